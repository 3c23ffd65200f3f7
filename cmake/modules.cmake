# sojourn_module(name LIBRARIES …): the library of one folder, with its layer's neighbours.
function(sojourn_module name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.cpp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.hpp)
  add_library(sojourn_${name} STATIC ${sources})
  # As a file set, so that all_verify_interface_header_sets compiles each header alone.
  target_sources(sojourn_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
                                        FILES ${headers})
  target_link_libraries(sojourn_${name} PUBLIC ${ARG_LIBRARIES})
endfunction()

# sojourn_test(name FOLDER dir LIBRARIES … [TIMEOUT seconds]): the Catch2 program of one folder.
function(sojourn_test name)
  cmake_parse_arguments(ARG "" "FOLDER;TIMEOUT" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} sojourn_catch_main)
  add_test(NAME ${name} COMMAND ${name} --order decl WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
