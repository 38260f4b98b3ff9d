#include "common/db/postgres_errors.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <fmt/format.h>

namespace sluice::db {
namespace {

struct Meaning {
  std::string_view sqlstate;  // two characters stand for their whole class
  Kind kind;
};

// Looked up by the five characters first, then by their class.
constexpr std::array meanings{
    Meaning{"08", Kind::unavailable},
    Meaning{"08P01", Kind::ours},  // the number of values is not that of the parameters
    Meaning{"0A", Kind::ours},
    Meaning{"22", Kind::invalid},
    Meaning{"22P02", Kind::ours},  // a text where a number belongs
    Meaning{"22P03", Kind::ours},
    Meaning{"23", Kind::conflict},
    Meaning{"25", Kind::ours},
    Meaning{"25006", Kind::exhausted},  // a standby, or a server that was made read-only when its disk ran full
    Meaning{"25P03", Kind::timed_out},
    Meaning{"28", Kind::denied},
    Meaning{"3D", Kind::unavailable},  // not_found would be taken for a missing row
    Meaning{"40", Kind::unavailable},  // deadlocks and serialization failures, after we have tried again
    Meaning{"40002", Kind::conflict},
    Meaning{"40003", Kind::maybe_done},
    Meaning{"42501", Kind::denied},
    Meaning{"53", Kind::unavailable},
    Meaning{"53100", Kind::exhausted},
    Meaning{"54", Kind::invalid},  // a value too large for an index, say
    Meaning{"54001", Kind::ours},
    Meaning{"54011", Kind::ours},
    Meaning{"54023", Kind::ours},
    Meaning{"55", Kind::unavailable},
    Meaning{"55P03", Kind::timed_out},  // lock_timeout
    Meaning{"57", Kind::unavailable},
    Meaning{"57014", Kind::timed_out},  // statement_timeout
    Meaning{"58", Kind::unavailable},
    Meaning{"58030", Kind::exhausted},
    Meaning{"72", Kind::unavailable},
    Meaning{"P0", Kind::conflict},  // raised by a trigger
    Meaning{"XX", Kind::ours},      // a fault of the server, which comes again with the same statement
    Meaning{"XX001", Kind::corrupt},
    Meaning{"XX002", Kind::corrupt},
};

const Meaning* find(std::string_view sqlstate) {
  const auto* found = std::find_if(meanings.begin(), meanings.end(),
                                   [&](const Meaning& meaning) { return meaning.sqlstate == sqlstate; });
  return found == meanings.end() ? nullptr : found;
}

bool one_of(std::string_view wanted, std::span<const std::string_view> all) {
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

// The server quotes what it was given in these classes: the data itself, and what a trigger chose to say.
bool quotes_values(std::string_view sqlstate) {
  constexpr std::array<std::string_view, 3> classes{"21", "22", "P0"};
  return one_of(sqlstate.substr(0, 2), classes);
}

Again again_after(std::string_view sqlstate, std::string_view message) {
  constexpr std::array<std::string_view, 2> overtaken{"40001", "40P01"};
  if (one_of(sqlstate, overtaken)) return Again::as_it_is;
  if (sqlstate == "26000") return Again::without_cache;
  if (sqlstate == "0A000" && message.find("cached plan") != std::string_view::npos) return Again::without_cache;
  return Again::no;
}

std::string_view field_of(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string_view{} : std::string_view{text};
}

bool is_fatal(const PGresult* result) {
  const auto severity = field_of(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

std::string_view reason_of_connect(std::string_view sqlstate) {
  if (sqlstate.starts_with("28")) return "the server refuses this user or password";
  if (sqlstate == "3D000") return "the server has no such database";
  if (sqlstate == "53300") return "the server has no connection left";
  if (sqlstate == "57P03") return "the server is starting or stopping";
  return "the server refuses the connection";
}

// With PQERRORS_SQLSTATE the server's answer ends with "FATAL:  28P01"; every other message is libpq's own.
std::string_view sqlstate_at_end(std::string_view message) {
  while (message.ends_with('\n')) message.remove_suffix(1);
  const auto place = message.rfind(":  ");
  if (place == std::string_view::npos || message.size() - place != 8) return {};
  message.remove_prefix(place + 3);
  const bool is_code = std::all_of(message.begin(), message.end(),
                                   [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
  return is_code ? message : std::string_view{};
}

}  // namespace

Kind kind_of_sqlstate(std::string_view sqlstate) {
  const auto* meaning = find(sqlstate);
  if (meaning == nullptr) meaning = find(sqlstate.substr(0, 2));
  return meaning == nullptr ? Kind::ours : meaning->kind;
}

bool is_word_of_server(const PGresult* result) {
  return !field_of(result, PG_DIAG_SQLSTATE).empty();
}

Refusal refusal_of(const PGresult* result) {
  const auto sqlstate = field_of(result, PG_DIAG_SQLSTATE);
  const auto message = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
  Refusal refusal;
  refusal.failure.kind = kind_of_sqlstate(sqlstate);
  refusal.failure.sentence = quotes_values(sqlstate) ? fmt::format("PostgreSQL refuses a value ({})", sqlstate)
                                                     : fmt::format("PostgreSQL: {} ({})", message, sqlstate);
  refusal.again = again_after(sqlstate, message);
  refusal.read_only = sqlstate == "25006";
  refusal.fatal = is_fatal(result);
  return refusal;
}

// A server that is stopped at once or has crashed says it with a warning.
bool says_goodbye(const PGresult* notice) {
  return is_fatal(notice) || field_of(notice, PG_DIAG_SQLSTATE).starts_with("57P");
}

Failure connect_failure_of(const PGconn* connection) {
  const std::string_view message = PQerrorMessage(connection);
  const auto sqlstate = sqlstate_at_end(message);
  if (!sqlstate.empty())
    return {kind_of_sqlstate(sqlstate), fmt::format("PostgreSQL: {} ({})", reason_of_connect(sqlstate), sqlstate)};
  const auto line = message.substr(0, message.find('\n'));
  return {Kind::unavailable, fmt::format("PostgreSQL: {}", line)};
}

}  // namespace sluice::db
