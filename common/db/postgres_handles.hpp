// Owners of libpq's objects. libpq is included by this folder alone.
#pragma once

#include <memory>

#include <libpq-fe.h>

namespace sluice::db {

struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using PgConnection = std::unique_ptr<PGconn, FinishConnection>;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, ClearResult>;

struct FreeNotify {
  void operator()(PGnotify* notify) const { PQfreemem(notify); }
};
using PgNotify = std::unique_ptr<PGnotify, FreeNotify>;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using PgOptions = std::unique_ptr<PQconninfoOption, FreeOptions>;

}  // namespace sluice::db
