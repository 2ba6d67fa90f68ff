# Warnings are errors; sanitizers and fuzzing are chosen by the presets.
set(MERGANSER_SANITIZE "" CACHE STRING "Comma-separated sanitizers, e.g. address,undefined or thread")
option(MERGANSER_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or Sanitize" FORCE)
endif()
# -g1: line tables for stack traces without the weight of full debug information.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
# -O1: sanitized code at -O2 takes three times as long to compile and finds nothing more.
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1")
set(CMAKE_EXE_LINKER_FLAGS_SANITIZE "")

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
if(MERGANSER_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "MERGANSER_FUZZ needs clang: configure with --preset fuzz (tools/bootstrap --fuzz installs it)")
  endif()
  # Coverage for the fuzzer in every room; only the targets themselves link its main().
  target_compile_options(merganser_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# How sanitized tests run. libduckdb is not instrumented, so the thread sanitizer cannot judge it; and its allocator
# takes more locks at once around a fork than the deadlock detector can count, which would abort the program.
set(MERGANSER_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp:ignore_noninstrumented_modules=1:detect_deadlocks=0")

# ccache shares its entries between build directories and clones of one machine.
find_program(CCACHE ccache)
if(CCACHE)
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${launcher}")
endif()
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT MERGANSER_SANITIZE)
  add_link_options(-fuse-ld=mold)
endif()
