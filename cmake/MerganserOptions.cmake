# Warnings are errors; sanitizers and fuzzing are chosen by the presets.
set(MERGANSER_SANITIZE "" CACHE STRING "Comma-separated sanitizers, e.g. address,undefined or thread")
option(MERGANSER_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

add_library(merganser_options INTERFACE)
target_compile_options(merganser_options INTERFACE -Wall -Wextra -Wpedantic -Werror)
# Uninitialised-value warnings of g++ 12 misread std::optional and coroutine frames under optimisation.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(merganser_options INTERFACE -Wno-maybe-uninitialized)
endif()
target_include_directories(merganser_options INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")

if(MERGANSER_SANITIZE)
  set(flags "-fsanitize=${MERGANSER_SANITIZE}" -fno-omit-frame-pointer)
  if(MERGANSER_SANITIZE MATCHES "undefined")
    # These three cost most of the build time and find little here.
    list(APPEND flags -fno-sanitize=null,vptr,alignment -fno-sanitize-recover=all)
  endif()
  if(MERGANSER_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND flags -Wno-tsan)
  endif()
  target_compile_options(merganser_options INTERFACE ${flags})
  target_link_options(merganser_options INTERFACE ${flags})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT MERGANSER_SANITIZE)
  add_link_options(-fuse-ld=mold)
endif()
