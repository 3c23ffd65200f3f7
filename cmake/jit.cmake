# The compiled tier: a file that the vm loads when a guest is compiled. Debian's export of LLVM 19
# for CMake names files that its packages do not have; llvm-config knows better.
find_program(LLVM_CONFIG NAMES llvm-config-19)
if(SOJOURN_JIT STREQUAL "ON" AND NOT LLVM_CONFIG)
  message(FATAL_ERROR "SOJOURN_JIT=ON needs llvm-config-19 (Debian: llvm-19-dev)")
endif()
if(NOT SOJOURN_JIT OR NOT LLVM_CONFIG)
  message(STATUS "No compiled tier: guests are interpreted")
  return()
endif()

foreach(what includedir libdir)
  execute_process(COMMAND ${LLVM_CONFIG} --${what} OUTPUT_VARIABLE llvm_${what}
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(GLOB jit_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/vm/jit/*.cpp)
# Compiled once, for the file and for tests that plant bugs in what it makes.
add_library(sojourn_jit_code OBJECT ${jit_sources})
sojourn_unite(sojourn_jit_code "${jit_sources}")
set_target_properties(sojourn_jit_code PROPERTIES POSITION_INDEPENDENT_CODE ON
                                                  CXX_VISIBILITY_PRESET hidden)
target_include_directories(sojourn_jit_code SYSTEM PUBLIC ${llvm_includedir})
# The C++ library is the one that LLVM loads.
target_link_libraries(sojourn_jit_code PUBLIC ${llvm_libdir}/libLLVM-19.so stdc++ ${FORMAT_LIBRARY})
# Of the layers below it takes headers, and what a failed check and a text need.
add_library(sojourn-jit MODULE ${PROJECT_SOURCE_DIR}/base/check.cpp
                               ${PROJECT_SOURCE_DIR}/base/result.cpp
                               ${PROJECT_SOURCE_DIR}/base/format_library.cpp)
set_target_properties(sojourn-jit PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
                                             CXX_VISIBILITY_PRESET hidden)
target_link_libraries(sojourn-jit PRIVATE sojourn_jit_code)
# Its code is not what is fuzzed, and it finds nobody here who counts.
foreach(target sojourn_jit_code sojourn-jit)
  get_target_property(options ${target} COMPILE_OPTIONS)
  list(FILTER options EXCLUDE REGEX "^-fsanitize-coverage")
  set_target_properties(${target} PROPERTIES COMPILE_OPTIONS "${options}")
endforeach()
# The build id tells whether code that is kept was made by this very file.
target_link_options(sojourn-jit PRIVATE -Wl,-z,defs -Wl,--build-id=sha1)
