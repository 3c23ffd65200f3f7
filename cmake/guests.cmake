# Guest programs: C compiled to WebAssembly with WASI by Debian's clang-16, text by wabt.
find_program(GUEST_COMPILER clang-16)
find_program(GUEST_LINKER NAMES wasm-ld-16 wasm-ld HINTS /usr/lib/llvm-16/bin)
find_program(GUEST_ASSEMBLER wat2wasm)
if(NOT GUEST_COMPILER OR NOT GUEST_LINKER)
  message(WARNING "clang-16 or lld-16 is missing: no guest is built, tests that run one are skipped")
endif()

# sojourn_guests(target FOLDER dir): each dir/*.c, dir/*.cc and dir/*.wat becomes <build>/dir/*.wasm. A *64.c
# has a 64-bit memory and no C library: there is none for it. A *.cc is C++ with exceptions.
function(sojourn_guests target)
  cmake_parse_arguments(ARG "" "FOLDER" "" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.c
       ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cc)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.h)
  file(GLOB texts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.wat)
  set(modules)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/${ARG_FOLDER})
  if(GUEST_COMPILER AND GUEST_LINKER)
    foreach(source ${sources})
      get_filename_component(name ${source} NAME_WE)
      set(module ${PROJECT_BINARY_DIR}/${ARG_FOLDER}/${name}.wasm)
      set(target_options --target=wasm32-wasi -std=gnu17)
      if(name MATCHES "64$")
        set(target_options --target=wasm64-unknown-unknown -std=gnu17 -nostdlib -fno-builtin)
      elseif(source MATCHES "\\.cc$")
        set(target_options --target=wasm32-wasi -std=gnu++20 -fwasm-exceptions)
      endif()
      add_custom_command(
        OUTPUT ${module}
        COMMAND ${GUEST_COMPILER} ${target_options} -O2 -Wall -Wextra -Werror
                -I${PROJECT_SOURCE_DIR}/samples/include -o ${module} ${source}
        DEPENDS ${source} ${headers} ${PROJECT_SOURCE_DIR}/samples/include/sojourn.h
        COMMENT "Compiling the guest ${ARG_FOLDER}/${name}.wasm"
        VERBATIM)
      list(APPEND modules ${module})
    endforeach()
  endif()
  if(GUEST_ASSEMBLER)
    foreach(text ${texts})
      get_filename_component(name ${text} NAME_WE)
      set(module ${PROJECT_BINARY_DIR}/${ARG_FOLDER}/${name}.wasm)
      add_custom_command(
        OUTPUT ${module}
        COMMAND ${GUEST_ASSEMBLER} -o ${module} ${text}
        DEPENDS ${text}
        COMMENT "Assembling the guest ${ARG_FOLDER}/${name}.wasm"
        VERBATIM)
      list(APPEND modules ${module})
    endforeach()
  endif()
  add_custom_target(${target} ALL DEPENDS ${modules})
endfunction()
