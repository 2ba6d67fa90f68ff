# `cmake --install` and the packages: the program, its own libduckdb beside it, documents, public headers.
#
#   bin/merganser
#   lib/merganser/libduckdb.so      found through the program's $ORIGIN, so the tree may be moved as a whole
#   share/doc/merganser/            README, LICENSE, CHANGELOG, licence of DuckDB
#   include/merganser/              the client library's headers
include(GNUInstallDirs)

if(TARGET merganser)
  # The build tree's program keeps CMake's own path to deps/; only the installed one gets this.
  set_target_properties(merganser PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/merganser")
  install(TARGETS merganser RUNTIME DESTINATION bin)
endif()
get_target_property(duckdb_file duckdb::duckdb IMPORTED_LOCATION)
install(PROGRAMS "${duckdb_file}" DESTINATION lib/merganser)
get_filename_component(duckdb_folder "${duckdb_file}" DIRECTORY)
install(FILES "${duckdb_folder}/LICENSE" DESTINATION share/doc/merganser RENAME LICENSE.duckdb)

foreach(document README.md LICENSE CHANGELOG.md)
  if(EXISTS "${CMAKE_SOURCE_DIR}/${document}")
    install(FILES "${CMAKE_SOURCE_DIR}/${document}" DESTINATION share/doc/merganser)
  endif()
endforeach()
if(EXISTS "${CMAKE_SOURCE_DIR}/include/merganser")
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/merganser" DESTINATION include)
endif()

set(CPACK_GENERATOR TGZ DEB)
set(CPACK_PACKAGE_NAME merganser)
set(CPACK_PACKAGE_VENDOR "The Merganser authors")
set(CPACK_PACKAGE_CONTACT "The Merganser authors <merganser@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_SOURCE_DIR}/build/packages")
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_VERBATIM_VARIABLES ON)
if(EXISTS "${CMAKE_SOURCE_DIR}/LICENSE")
  set(CPACK_RESOURCE_FILE_LICENSE "${CMAKE_SOURCE_DIR}/LICENSE")
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# dpkg-shlibdeps finds the dependencies; libduckdb is inside the package, so it is looked up where it comes from.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${duckdb_folder}")
set(CPACK_PACKAGING_INSTALL_PREFIX "")
set(CPACK_PROJECT_CONFIG_FILE "${CMAKE_SOURCE_DIR}/cmake/MerganserCPack.cmake")
include(CPack)
