# Guest programs: C, C++ and Rust compiled to WebAssembly with WASI by Debian's clang-16 and rustc,
# text by wabt.
find_program(GUEST_C_COMPILER clang-16)
find_program(GUEST_CXX_COMPILER clang++-16)
find_program(GUEST_LINKER NAMES wasm-ld-16 wasm-ld HINTS /usr/lib/llvm-16/bin)
find_program(GUEST_ASSEMBLER wat2wasm)
# Debian's alone has wasm32-wasi where Debian puts it; what else is on the path may be any version.
find_program(GUEST_RUST_COMPILER rustc PATHS /usr/bin NO_DEFAULT_PATH)
set(guest_cxx_library /usr/lib/llvm-16)
set(guest_rust_library /usr/lib/rustlib/wasm32-wasi)
if(NOT GUEST_C_COMPILER OR NOT GUEST_LINKER)
  message(WARNING "clang-16 or lld-16 is missing: no guest is built, tests that run one are skipped")
endif()

# Names stay, for backtraces; where the source lay does not, so that each build gives the same bytes.
set(guest_clang_options -O2 -Wall -Wextra -Werror
                        -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -I${PROJECT_SOURCE_DIR}/samples/include)
set(guest_rust_options --edition 2021 -D warnings --target wasm32-wasi -C opt-level=2 -C lto
                       -C codegen-units=1 -C panic=abort -C strip=debuginfo
                       --remap-path-prefix=${PROJECT_SOURCE_DIR}/=)

# guest_command(result source): how `source` is compiled, but for where to; empty when what it takes
# is not here. A *64.c has a 64-bit memory and no C library: there is none for it. A *.cc is C++ with
# exceptions and no library. A *_debug.c has debug information.
function(guest_command result source)
  get_filename_component(name ${source} NAME_WE)
  get_filename_component(suffix ${source} LAST_EXT)
  set(debug_options -Wl,--strip-debug)
  set(command)
  if(suffix STREQUAL ".c" AND GUEST_C_COMPILER AND GUEST_LINKER)
    set(target_options --target=wasm32-wasi)
    if(name MATCHES "64$")
      set(target_options --target=wasm64-unknown-unknown -nostdlib -fno-builtin)
    endif()
    if(name MATCHES "_debug$")
      set(debug_options -g)
    endif()
    set(command ${GUEST_C_COMPILER} ${target_options} -std=gnu17 ${guest_clang_options} ${debug_options})
  elseif(suffix STREQUAL ".cc" AND GUEST_C_COMPILER AND GUEST_LINKER)
    set(command ${GUEST_C_COMPILER} --target=wasm32-wasi -std=gnu++20 -fwasm-exceptions
                ${guest_clang_options} ${debug_options})
  elseif(suffix STREQUAL ".cpp" AND GUEST_CXX_COMPILER AND GUEST_LINKER
         AND EXISTS ${guest_cxx_library}/lib/wasm32-wasi)
    set(command ${GUEST_CXX_COMPILER} --target=wasm32-wasi -std=gnu++20 -fno-exceptions
                -isystem ${guest_cxx_library}/include/wasm32-wasi/c++/v1
                -L${guest_cxx_library}/lib/wasm32-wasi ${guest_clang_options} ${debug_options})
  elseif(suffix STREQUAL ".rs" AND GUEST_RUST_COMPILER AND EXISTS ${guest_rust_library})
    set(command ${GUEST_RUST_COMPILER} ${guest_rust_options})
  elseif(suffix STREQUAL ".wat" AND GUEST_ASSEMBLER)
    set(command ${GUEST_ASSEMBLER})
  endif()
  set(${result} ${command} PARENT_SCOPE)
endfunction()

# sojourn_guests(target FOLDER dir SUFFIXES …): each source in dir with one of these becomes
# <build>/dir/*.wasm.
function(sojourn_guests target)
  cmake_parse_arguments(ARG "" "FOLDER" "SUFFIXES" ${ARGN})
  list(TRANSFORM ARG_SUFFIXES PREPEND ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/* OUTPUT_VARIABLE patterns)
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.h)
  set(modules)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/${ARG_FOLDER})
  foreach(source ${sources})
    guest_command(command ${source})
    if(NOT command)
      continue()
    endif()
    get_filename_component(name ${source} NAME_WE)
    set(module ${PROJECT_BINARY_DIR}/${ARG_FOLDER}/${name}.wasm)
    add_custom_command(
      OUTPUT ${module}
      COMMAND ${command} -o ${module} ${source}
      DEPENDS ${source} ${headers} ${PROJECT_SOURCE_DIR}/samples/include/sojourn.h
      COMMENT "Compiling the guest ${ARG_FOLDER}/${name}.wasm"
      VERBATIM)
    list(APPEND modules ${module})
  endforeach()
  add_custom_target(${target} ALL DEPENDS ${modules})
endfunction()
