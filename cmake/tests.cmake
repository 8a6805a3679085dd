# SPDX-License-Identifier: BSL-1.0
# The test programs: one for each folder of tests/ that holds Boost.Test cases.
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS unit_test_framework)

# Compiles a target with the header that tests share. Without ccache, which takes a fifth longer than the compiler alone
# then: it reads a hundred megabytes each time.
function(precompile target)
  target_precompile_headers(${target} ${ARGN})
  if(FERRY_CCACHE)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER "")
  endif()
endfunction()

file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.cpp)
add_library(test_support OBJECT ${support_sources})
target_link_libraries(test_support PUBLIC ferry::ferry Boost::unit_test_framework)
target_include_directories(test_support PUBLIC lib tests)
target_compile_definitions(test_support PUBLIC BOOST_TEST_DYN_LINK
                                               FERRY_TEST_PROGRAMS="${PROJECT_BINARY_DIR}/tests/programs")
target_compile_options(test_support PUBLIC ${ferry_warnings} ${ferry_little_optimised})
precompile(test_support PRIVATE tests/support/precompiled.hpp)

file(GLOB program_sources CONFIGURE_DEPENDS tests/programs/*.cpp)
set(test_programs)
foreach(source IN LISTS program_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(program_${name} ${source})
  set_target_properties(program_${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/programs)
  target_link_libraries(program_${name} PRIVATE ferry::ferry)
  target_compile_options(program_${name} PRIVATE ${ferry_warnings})
  list(APPEND test_programs program_${name})
endforeach()

# Folders that are no Boost.Test programs; compile_fail, consumer, docs, floors, headers and model have a script `check` each.
set(other_folders support programs fuzz compile_fail consumer docs headers)

file(GLOB test_sources CONFIGURE_DEPENDS tests/*/*.cpp)
set(groups)
foreach(source IN LISTS test_sources)
  get_filename_component(directory ${source} DIRECTORY)
  get_filename_component(group ${directory} NAME)
  if(NOT group IN_LIST other_folders)
    list(APPEND groups ${group})
    list(APPEND sources_of_${group} ${source})
  endif()
endforeach()
list(REMOVE_DUPLICATES groups)

# Sources apart from the others: the first two have functions and types of the same names as others, and cases are about
# that; the third replaces operator delete, which GCC would expand where others call it, and warn of.
set_source_files_properties(tests/process/namesake.cpp tests/archive/namesake_reader.cpp tests/faults/refusals.cpp
                            PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

foreach(group IN LISTS groups)
  add_executable(test_${group} ${sources_of_${group}})
  # Several sources are compiled as one: most of the time goes into the headers and templates that they share.
  set_target_properties(test_${group} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests
                                                 UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  # Of what is included it expects that others include it too.
  target_compile_options(test_${group} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  target_link_libraries(test_${group} PRIVATE test_support OpenSSL::Crypto)
  precompile(test_${group} REUSE_FROM test_support)
  if(test_programs)
    add_dependencies(test_${group} ${test_programs})
  endif()
  add_test(NAME ${group} COMMAND test_${group})
  set_tests_properties(${group} PROPERTIES TIMEOUT 900)
  if(group MATCHES "^killing")
    # The longest, so first of all: at the end they would leave all processors but one without work.
    set_tests_properties(${group} PROPERTIES COST 1000)
  endif()
endforeach()
