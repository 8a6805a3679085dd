# SPDX-License-Identifier: BSL-1.0
# Programs made of a folder: examples/ and bench/.

# Adds the programs of `folder` and of its subfolders to the target `<folder>`: a subfolder with a main.cpp is
# one program of all its files; otherwise every .cpp is a program of its own. The folder `support` holds
# headers only. A program is checked by ctest when beside its source (in its own folder) lies
#   <name>.expected   what it must print, exactly
#   <name>.check      a script that is given the path of the program and must succeed
function(add_programs folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  file(GLOB_RECURSE checks CONFIGURE_DEPENDS ${folder}/*.expected ${folder}/*.check)
  foreach(source IN LISTS sources)
    get_filename_component(directory ${source} DIRECTORY)
    if(EXISTS ${directory}/main.cpp)
      if(NOT source STREQUAL ${directory}/main.cpp)
        continue()
      endif()
      get_filename_component(name ${directory} NAME)
      file(GLOB program_sources CONFIGURE_DEPENDS ${directory}/*.cpp)
    else()
      get_filename_component(name ${source} NAME_WE)
      set(program_sources ${source})
    endif()
    set(target ${folder}_${name})
    add_executable(${target} ${program_sources})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}
                                               RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
    target_link_libraries(${target} PRIVATE ferry::ferry OpenSSL::Crypto)
    target_compile_options(${target} PRIVATE ${ferry_warnings})
    add_dependencies(${folder} ${target})
    if(folder STREQUAL "examples")
      target_include_directories(${target} PRIVATE examples)
      target_compile_options(${target} PRIVATE ${ferry_little_optimised})
      target_link_libraries(${target} PRIVATE CLI11::CLI11)
    endif()
    if(folder STREQUAL "bench")
      # Peers are measured too, and some tests of the machine need what only the library sees.
      target_include_directories(${target} PRIVATE bench lib ${CEREAL_INCLUDE_DIR})
      set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    if(${directory}/${name}.expected IN_LIST checks)
      add_test(NAME ${folder}.${name}
               COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-output $<TARGET_FILE:${target}>
                       ${directory}/${name}.expected)
    elseif(${directory}/${name}.check IN_LIST checks)
      add_test(NAME ${folder}.${name} COMMAND ${directory}/${name}.check $<TARGET_FILE:${target}>)
    endif()
  endforeach()
endfunction()
