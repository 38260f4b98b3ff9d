# What tells a fuzz target which way an input took. The code of a test needs none of it.
function(sluice_can_be_fuzzed target)
  if(SLUICE_CHECK)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# Precompiled headers for the whole tree: Asio alone costs four seconds per unit without one. A header and the units that use it
# are compiled with the same options, so tests have one of their own where theirs differ (see sluice_test_settings).
if(SLUICE_PCH)
  foreach(pch sluice_pch sluice_test_pch)
    add_library(${pch} OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
    target_link_libraries(${pch} PUBLIC sluice_asio fmt::fmt tl::expected)
    target_include_directories(${pch} PRIVATE ${CMAKE_SOURCE_DIR})
    target_include_directories(${pch} SYSTEM PUBLIC ${Boost_INCLUDE_DIRS})
    target_precompile_headers(${pch} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp)
  endforeach()
endif()

# Most of what it takes to compile is what every unit instantiates anew: eight files as one unit take half the time. `release`
# keeps the files of the program apart, so that each is known to include what it uses, and `dev` and `tidy` those of the tests too.
function(sluice_compile_together target)
  if(SLUICE_CHECK OR SLUICE_TSAN OR (CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND CMAKE_CURRENT_SOURCE_DIR MATCHES "^${CMAKE_SOURCE_DIR}/tests"))
    # A name of one file hides none of another's.
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    target_compile_options(${target} PRIVATE -Wno-shadow)
  endif()
endfunction()

function(sluice_common_settings target)
  if(NOT ARGN)
    set(ARGN sluice_pch)
  endif()
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  sluice_compile_together(${target})
  if(ARGN STREQUAL "sluice_pch")
    sluice_can_be_fuzzed(${target})
  endif()
  if(SLUICE_PCH)
    target_compile_definitions(${target} PRIVATE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
      BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
    target_precompile_headers(${target} REUSE_FROM ${ARGN})
  endif()
endfunction()

# The code of a test, which runs once, costs more to optimise than it costs to run: what it tests is optimised. Lines in a
# stack trace are enough there; full debug information is a sixth of the time to build.
function(sluice_test_settings target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-g1> $<$<BOOL:${SLUICE_CHECK}>:-O0> $<$<BOOL:${SLUICE_TSAN}>:-O0>)
endfunction()
if(SLUICE_PCH)
  sluice_can_be_fuzzed(sluice_pch)
  sluice_test_settings(sluice_test_pch)
endif()

# sluice_library(NAME SOURCES a.cpp … USES other libraries …): one folder, one library, sources by hand.
function(sluice_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;PRIVATELY")
  add_library(${name} STATIC ${arg_SOURCES})
  sluice_common_settings(${name})
  target_link_libraries(${name} PUBLIC ${arg_USES} fmt::fmt tl::expected PRIVATE ${arg_PRIVATELY})
endfunction()

# sluice_program(NAME SOURCES main.cpp USES libraries …)
function(sluice_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
  add_executable(${name} ${arg_SOURCES})
  sluice_common_settings(${name})
  if(NOT SLUICE_CHECK AND NOT SLUICE_TSAN)  # which have allocators of their own
    target_link_libraries(${name} PRIVATE PkgConfig::jemalloc)
  endif()
  target_link_libraries(${name} PRIVATE ${arg_USES} fmt::fmt tl::expected)
endfunction()

# What ThreadSanitizer has something to say about; the tsan tree builds nothing else.
add_custom_target(threaded_tests)

# sluice_test(NAME SOURCES … USES … [LABELS threads kafka kafka_three postgres storm waits measure checked long] [TIMEOUT seconds])
# Labels: `threads` also runs under ThreadSanitizer; `kafka` (one node), `kafka_three`, `postgres` and `storm` (a Kafka and a
# PostgreSQL of their own) need that service, which no two tests use at once, since some kill it; `waits` mostly waits as those do;
# `measure` never shares the machine; `checked` runs in the sanitized trees alone, but for --long; `long` in --long alone.
function(sluice_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;USES;LABELS")
  add_executable(${name} ${arg_SOURCES})
  sluice_common_settings(${name} sluice_test_pch)
  sluice_test_settings(${name})
  target_link_libraries(${name} PRIVATE ${arg_USES} sluice_test_main fmt::fmt tl::expected)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(services ${arg_LABELS})
  list(FILTER services INCLUDE REGEX "^(kafka|kafka_three|postgres|storm)$")
  add_test(NAME ${name} COMMAND ${name})
  math(EXPR seconds_max "${arg_TIMEOUT} - 10")  # see tests/support/last_moment.hpp
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} RESOURCE_LOCK "${services}"
    ENVIRONMENT TEST_SECONDS_MAX=${seconds_max})
  if("measure" IN_LIST arg_LABELS)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(threaded_tests ${name})
  endif()
endfunction()

# sluice_patient_test(NAME LABELS … TIMEOUT seconds): a test that was added with `nice` before its command and only computes. It
# runs beside those that mostly wait for a service, four of its kind at a time: each waits for the fourth before it.
function(sluice_patient_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS")
  get_property(slot GLOBAL PROPERTY sluice_patient_slot)
  math(EXPR slot "(${slot} + 0) % 4 + 1")
  set_property(GLOBAL PROPERTY sluice_patient_slot ${slot})
  set_tests_properties(${name} PROPERTIES LABELS "patient;${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} RESOURCE_LOCK patient_${slot})
endfunction()

# sluice_fuzz(NAME SOURCES … USES … SECONDS n): a libFuzzer target of the check tree; runs so long per normal run from its own corpus,
# politely, beside the tests that mostly wait for a service.
function(sluice_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SECONDS" "SOURCES;USES")
  if(NOT SLUICE_CHECK)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  sluice_common_settings(${name})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${arg_USES} fmt::fmt tl::expected)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/corpus/${name})
  add_test(NAME ${name} COMMAND nice -n 19 $<TARGET_FILE:${name}> -max_total_time=${arg_SECONDS} -max_len=65536 -print_final_stats=1 -timeout=10
    ${CMAKE_BINARY_DIR}/corpus/${name})
  sluice_patient_test(${name} LABELS fuzz TIMEOUT 180)
endfunction()
