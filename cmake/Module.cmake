# retinaface_module(NAME [DEPENDS target...] [PRIVATE_DEPENDS target...] [TEST_DEPENDS target...])
#
# One folder under src/: its sources become the object library rf_NAME, its *_test.cc the program
# NAME_test, of the label "unit" and part of the target unit_tests. DEPENDS are passed on to whatever
# links the module, PRIVATE_DEPENDS are for its sources alone.
#
# Optimising takes half of a build's time, and more in a sanitized one: tests and what surrounds the
# computing are optimised little, and in a sanitized build not at all.
function(retinaface_module name)
  cmake_parse_arguments(arg "" "" "DEPENDS;PRIVATE_DEPENDS;TEST_DEPENDS" ${ARGN})
  string(REPLACE "/" "_" target ${name})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc
       ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.S)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_test.cc)
  list(REMOVE_ITEM sources ${tests} "${CMAKE_CURRENT_SOURCE_DIR}/${name}/main.cc")

  if(sources)
    add_library(rf_${target} STATIC ${sources})
    set(scope PUBLIC)
  else()  # headers alone
    add_library(rf_${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(rf_${target} ${scope} ${PROJECT_SOURCE_DIR}/include
                                                   ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(rf_${target} ${scope} ${arg_DEPENDS})
  if(arg_PRIVATE_DEPENDS)
    target_link_libraries(rf_${target} PRIVATE ${arg_PRIVATE_DEPENDS})
  endif()

  set(options)
  if(RETINAFACE_SANITIZE AND name MATCHES "^(evaluation|pipeline|cli|server)$")
    set(options -O0)
  elseif(NOT RETINAFACE_SANITIZE AND name MATCHES "^(interchange|pipeline|cli.*|server)$")
    set(options -O1)
  endif()
  if(sources)
    target_compile_options(rf_${target} PRIVATE ${options})
    if(name MATCHES "^runtime/(torch|autograd)$")
      retinaface_precompile(rf_${target} module-torch <ATen/ATen.h>)
    elseif("${arg_PRIVATE_DEPENDS}" MATCHES "rf_libtorch|OpenMP")
      retinaface_precompile(rf_${target} module-${CMAKE_MATCH_0})
    elseif(name MATCHES "^cli")
      retinaface_precompile(rf_${target} cli <nlohmann/json.hpp> <CLI/App.hpp>)
    elseif(options)
      retinaface_precompile(rf_${target} module${options} <nlohmann/json.hpp>)
    else()
      retinaface_precompile(rf_${target} module)
    endif()
  endif()

  if(RETINAFACE_TESTS AND tests)
    retinaface_test(${target}_test SOURCES ${tests} DEPENDS rf_${target} ${arg_TEST_DEPENDS}
                    LABELS unit)
    if(NOT TARGET unit_tests)
      add_custom_target(unit_tests)
    endif()
    add_dependencies(unit_tests ${target}_test)
  endif()
endfunction()

# retinaface_precompile(TARGET LIKENESS HEADER...)
#
# Headers that nearly all sources include take half of what a small one takes to compile: they are
# compiled once for all targets of one LIKENESS, which have the same options, and HEADERs. The presets
# dev, asan and tsan do without, so that a source that does not include what it uses is found.
function(retinaface_precompile target likeness)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Debug")
    return()  # not optimized, GCC 12 behind precompiled headers takes AVX-512's intrinsics for wrong
  endif()
  get_property(owner GLOBAL PROPERTY retinaface_precompiled_${likeness})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
    return()
  endif()
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <cmath> <cstddef> <cstdint> <cstring> <filesystem> <functional> <limits> <map>
    <memory> <mutex> <optional> <set> <span> <string> <string_view> <utility> <vector>
    <fmt/format.h> <fmt/ranges.h> ${ARGN})
  set_property(GLOBAL PROPERTY retinaface_precompiled_${likeness} ${target})
endfunction()

# What tests are compiled with; rf_testing too, whose precompiled headers they take over.
function(retinaface_test_options name)
  if(RETINAFACE_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)
  else()
    target_compile_options(${name} PRIVATE -O1)
  endif()
endfunction()

# retinaface_test(NAME SOURCES file... DEPENDS target... [LABELS label...])
#
# A test program; each of its cases is a test of ctest's. Cases of suites named *Threads* carry the
# label "threads" (ThreadSanitizer runs those).
function(retinaface_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} rf_testing GTest::gmock_main)
  retinaface_test_options(${name})
  if("rf_libtorch" IN_LIST arg_DEPENDS)
    retinaface_precompile(${name} test-libtorch <gmock/gmock.h> <gtest/gtest.h>)
  else()
    retinaface_precompile(${name} test)
  endif()
  foreach(kind plain threads)
    if(kind STREQUAL plain)
      set(filter "-*Threads*")
      set(labels ${arg_LABELS})
    else()
      set(filter "*Threads*")
      set(labels threads ${arg_LABELS})
    endif()
    set(properties SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
    if(labels)
      list(APPEND properties LABELS "${labels}")
    endif()
    gtest_discover_tests(${name} TEST_FILTER "${filter}" TEST_LIST ${name}_${kind}
                         DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
  endforeach()
endfunction()
