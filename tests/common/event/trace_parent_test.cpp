#include "common/event/trace_parent.hpp"

#include <string>

#include <doctest/doctest.h>

namespace sluice::event {

TEST_CASE("a trace parent is read and written back") {
  constexpr std::string_view text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  const auto parent = TraceParent::parse(text);

  REQUIRE(parent);
  CHECK(parent->trace_id == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(parent->span_id == "00f067aa0ba902b7");
  CHECK(parent->flags == 1);
  CHECK(parent->text() == text);
}

TEST_CASE("what a later version adds is read over and not repeated") {
  CHECK(TraceParent::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0f-more")->text() ==
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0f");
  CHECK(TraceParent::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
}

TEST_CASE("what the recommendation forbids is no trace") {
  for (const auto* text : {
           "",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",       // all zero
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",       // all zero
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",       // forbidden version
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",       // upper case
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",       // upper case
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A",       // upper case
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",  // longer than version 00 is
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",   // no dash before what a later version adds
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",        // short
           "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",       // no hexadecimal version
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",       // no dash
       }) {
    CHECK_FALSE(TraceParent::parse(text));
  }
}

}  // namespace sluice::event
