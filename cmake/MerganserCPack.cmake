# Read by cpack once a generator: the .deb installs under /usr, the tarball has one folder of its own.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
endif()
