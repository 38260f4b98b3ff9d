# Coroutines decide the compiler: g++ 12 frees twice in six legal idioms, clang 16 keeps a thread's variable across a resume on another thread.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(sluice_compiler_refused TRUE)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  set(sluice_compiler_refused TRUE)
endif()
if(sluice_compiler_refused)
  message(FATAL_ERROR "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} miscompiles C++20 coroutines: "
    "use clang 19 or newer or g++ 13 or newer (on Debian 12: apt-get install clang-19, then cmake --preset dev).")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

option(SLUICE_PCH "share one precompiled header among all targets" ON)
option(SLUICE_CHECK "AddressSanitizer, UndefinedBehaviorSanitizer, coverage and fuzz targets" OFF)
option(SLUICE_TSAN "ThreadSanitizer" OFF)
option(SLUICE_TIDY "run clang-tidy beside the compiler" OFF)

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SLUICE_CCACHE}")
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Without this the precompiled header carries its build time and ccache never hits.
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Werror
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -fno-omit-frame-pointer)

# One code model for libraries and executables alike, or they could not share the precompiled header: every library here
# is static and ends up in a position independent executable.
add_compile_options(-fPIE)

if(SLUICE_CHECK)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fsanitize=address,undefined -fprofile-instr-generate)
elseif(SLUICE_TSAN)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  # What ships is hardened: position independent, read-only relocations, checked library calls, guarded stacks.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong)
  add_link_options(-pie -Wl,-z,relro,-z,now)
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(-fuse-ld=lld)
endif()

if(SLUICE_TIDY)
  set(CMAKE_CXX_CLANG_TIDY clang-tidy-19 --quiet --warnings-as-errors=*)
endif()
