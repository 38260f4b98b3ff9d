#include "common/telemetry/redacted.hpp"

#include <type_traits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/telemetry/logger.hpp"

using namespace sluice;

static_assert(!std::is_constructible_v<Field, std::string_view, Secret>,
              "a secret cannot become a field of a log line");
static_assert(!fmt::is_formattable<Secret>::value, "a secret cannot be formatted");

TEST_CASE("a secret shows whether it is set and never what it is") {
  CHECK(Secret{}.masked() == "(not set)");
  CHECK(Secret{"token"}.masked() == Secret{"token"}.masked());
  CHECK(Secret{"token"}.masked() != Secret{"tokem"}.masked());
  CHECK(Secret{"token"}.masked().find("token") == std::string::npos);
}

TEST_CASE("a number keeps its channel and its last two digits") {
  CHECK(masked_number("+31612345678") == "…78");
  CHECK(masked_number("whatsapp:+31612345678") == "whatsapp:…78");
  CHECK(masked_number("12345") == "…");
  CHECK(masked_number("") == "…");
}

TEST_CASE("a text shows its length only") {
  CHECK(masked_text("ik zoek een Golf") == "(16 bytes)");
}

TEST_CASE("numbers of people are taken out of foreign sentences") {
  CHECK(scrubbed("The 'To' number +31 6 1234-5678 is not valid") == "The 'To' number … is not valid");
  CHECK(scrubbed("code 21610, status 400") == "code 21610, status 400");
  CHECK(scrubbed("31612345678") == "…");
  CHECK(scrubbed("") == "");
}

TEST_CASE("credentials are taken out of foreign sentences") {
  CHECK(scrubbed("Authorization: Bearer sk-ant-abc123 refused") == "Authorization: Bearer … refused");
  CHECK(scrubbed("could not reach postgresql://me:hunter2@db/x") == "could not reach postgresql://…db/x");
  CHECK(scrubbed("see https://example.com/@someone") == "see https://example.com/@someone");
}
