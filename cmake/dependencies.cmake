# Each outside library has one target; the folder that may include it is the only one that links it.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(simdjson REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(doctest REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(PkgConfig REQUIRED)
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)

# Asio without its separate library, without deprecated names, and never with a type-erased executor in our hot paths. Frames
# of coroutines come from malloc: Asio keeps two for reuse and takes all others with aligned_alloc, which costs four times as much.
add_library(sluice_asio INTERFACE)
target_compile_definitions(sluice_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
target_link_libraries(sluice_asio INTERFACE Boost::headers Threads::Threads)

# Boost.JSON, compiled once; who includes <boost/json.hpp> links this.
add_library(boost_json STATIC ${CMAKE_SOURCE_DIR}/cmake/boost_json.cpp)
target_link_libraries(boost_json PUBLIC Boost::headers)
target_compile_options(boost_json PRIVATE -w)
