# retinaface_module(NAME [DEPENDS target...] [PRIVATE_DEPENDS target...] [TEST_DEPENDS target...])
#
# One folder under src/: its sources become the object library rf_NAME, its *_test.cc the program
# NAME_test, of the label "unit" and part of the target unit_tests. DEPENDS are passed on to whatever
# links the module, PRIVATE_DEPENDS are for its sources alone.
#
# Optimising takes half of a build's time, and more in a sanitized one: tests and what reads options
# are optimised little, and in a sanitized build the modules that compute little are not.
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

  if(RETINAFACE_SANITIZE AND name MATCHES "^(evaluation|pipeline|cli|server)$")
    target_compile_options(rf_${target} PRIVATE -O0)
  elseif(name MATCHES "^cli")
    target_compile_options(rf_${target} PRIVATE -O1)
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
  if("libtorch" IN_LIST arg_DEPENDS)  # compiled with OpenMP, and so its own
    target_precompile_headers(${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  else()
    target_precompile_headers(${name} REUSE_FROM rf_testing)
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
