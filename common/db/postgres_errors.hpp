// What a refusal of PostgreSQL means. The one place where SQLSTATE is read.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/result.hpp"
#include "common/db/postgres_handles.hpp"

namespace sluice::db {

// What the five characters mean for a transaction that the server has undone.
Kind kind_of_sqlstate(std::string_view sqlstate);

// Whether the same batch may be given to the server once more by us.
enum class Again : std::uint8_t {
  no,
  as_it_is,       // a deadlock or a serialization failure: the others are through by now
  without_cache,  // a prepared statement is gone or no longer fits its tables
};

struct Refusal {
  Failure failure;
  Again again = Again::no;
  bool fatal = false;      // the server ends the connection with it
  bool read_only = false;  // it was a change, and the transaction is not allowed any
};

// False for an error that libpq itself has made up, which means that the connection is gone.
bool is_word_of_server(const PGresult* result);

// Of an error that is the server's word. Values of customers, which the server quotes in the messages of some
// classes, stay out of the sentence.
Refusal refusal_of(const PGresult* result);

// Of a notice that belongs to no command: the server is about to close the connection.
bool says_goodbye(const PGresult* notice);

// Why no connection came about. The connection's verbosity is PQERRORS_SQLSTATE.
Failure connect_failure_of(const PGconn* connection);

}  // namespace sluice::db
