# With CMAKE_UNITY_BUILD the sources of a folder are compiled as one, which takes a fraction of the
# time; so no two of them may give the same name to things of their own.
function(sojourn_unite target sources)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  foreach(source ${sources})
    get_filename_component(folder ${source} DIRECTORY)
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${folder})
    string(MAKE_C_IDENTIFIER ${folder} group)
    set_property(SOURCE ${source} PROPERTY UNITY_GROUP ${group})
  endforeach()
endfunction()

# sojourn_module(name [WITHOUT folder] LIBRARIES …): the library of one folder, with its layer's
# neighbours.
function(sojourn_module name)
  cmake_parse_arguments(ARG "" "WITHOUT" "LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.cpp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.hpp)
  if(ARG_WITHOUT)
    list(FILTER sources EXCLUDE REGEX "^${PROJECT_SOURCE_DIR}/${name}/${ARG_WITHOUT}/")
    list(FILTER headers EXCLUDE REGEX "^${PROJECT_SOURCE_DIR}/${name}/${ARG_WITHOUT}/")
  endif()
  add_library(sojourn_${name} STATIC ${sources})
  sojourn_unite(sojourn_${name} "${sources}")
  # As a file set, so that all_verify_interface_header_sets compiles each header alone.
  target_sources(sojourn_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
                                        FILES ${headers})
  target_link_libraries(sojourn_${name} PUBLIC ${ARG_LIBRARIES})
endfunction()

# sojourn_tool(name FOLDER dir): the program whose sources are the files of dir.
function(sojourn_tool name)
  cmake_parse_arguments(ARG "" "FOLDER" "" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cpp)
  add_executable(${name} ${sources})
  sojourn_unite(${name} "${sources}")
  target_link_libraries(${name} PRIVATE sojourn_process CLI11::CLI11)
  target_compile_definitions(${name} PRIVATE SOJOURN_VERSION="${PROJECT_VERSION}")
  if(TARGET sojourn-jit)
    add_dependencies(${name} sojourn-jit)  # which it loads
  endif()
endfunction()

# sojourn_library(name FOLDER dir LIBRARIES …): what `vm` loads when it is needed (base/companion_file.hpp).
# It has a `base` of its own, so that nothing of the vm's has to be visible to it.
function(sojourn_library name)
  cmake_parse_arguments(ARG "" "FOLDER" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cpp ${PROJECT_SOURCE_DIR}/base/*.cpp)
  add_library(${name} MODULE ${sources})
  sojourn_unite(${name} "${sources}")
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden
                                           LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_link_libraries(${name} PRIVATE ${FORMAT_LIBRARY} Threads::Threads ${ARG_LIBRARIES})
  add_dependencies(vm ${name})
endfunction()

# sojourn_test(name FOLDER dir LIBRARIES … [TIMEOUT seconds]): the Catch2 program of one folder. Each
# case is a test of ctest; one that prints "test skipped: why" counts as skipped.
function(sojourn_test name)
  cmake_parse_arguments(ARG "" "FOLDER;TIMEOUT" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} sojourn_catch_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  # NoTests: a name that matches nothing is a failure, not a success.
  catch_discover_tests(${name} TEST_PREFIX "${name}: " EXTRA_ARGS --warn NoTests
                       WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} SKIP_REGULAR_EXPRESSION "test skipped: ")
endfunction()

# sojourn_script_test(name SCRIPT file [ARGUMENTS …] [LONG]): a script that drives the vm of this
# build and exits with 77 when something it needs is not there. LONG: run by `./dev test --all`.
function(sojourn_script_test name)
  cmake_parse_arguments(ARG "LONG" "SCRIPT" "ARGUMENTS" ${ARGN})
  add_test(NAME ${name}
           COMMAND ${PROJECT_SOURCE_DIR}/${ARG_SCRIPT} --build ${PROJECT_BINARY_DIR} ${ARG_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)
  if(ARG_LONG)
    set_tests_properties(${name} PROPERTIES TIMEOUT 3600 LABELS long)
  endif()
endfunction()
