#include "common/event/address.hpp"

#include <ostream>
#include <string>
#include <unordered_set>

#include <doctest/doctest.h>

#include "tests/common/event/refused.hpp"

namespace sluice::event {
namespace {

Address address(std::string_view text) {
  return Address::parse(text).value();
}

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

}  // namespace

static_assert(!Streamable<Address>, "an address reaches text for people only masked");
static_assert(!std::is_convertible_v<Address, std::string> && !std::is_convertible_v<std::string, Address>);

TEST_CASE("an address stays byte for byte what Twilio wrote") {
  for (const auto* text :
       {"+31612345678", "whatsapp:+31612345678", "whatsapp:NL.13491208655302741918", "messenger:1234567", "14020",
        "MG0123456789abcdef0123456789abcdef", "ING Bank", "rcs:garage_agent", "line:U1"}) {
    CHECK(address(text).text() == text);
  }
}

TEST_CASE("equal addresses are one in a set") {
  CHECK(std::unordered_set<Address>{address("+31612345678"), address("+31612345678"), address("14020")}.size() == 2);
}

TEST_CASE("the prefix is the channel") {
  CHECK(address("+31612345678").channel() == Channel::sms);
  CHECK(address("14020").channel() == Channel::sms);
  CHECK(address("whatsapp:+31612345678").channel() == Channel::whatsapp);
  CHECK(address("messenger:1234567").channel() == Channel::messenger);
  CHECK(address("rcs:garage_agent").channel() == Channel::rcs);
  CHECK(address("line:U1").channel() == Channel::other);
  CHECK(name_of(Channel::whatsapp) == "whatsapp");
}

TEST_CASE("the form says what kind of address it is") {
  CHECK(address("+31612345678").form() == AddressForm::phone);
  CHECK(address("whatsapp:+31612345678").form() == AddressForm::phone);
  CHECK(address("whatsapp:NL.13491208655302741918").form() == AddressForm::user_id);
  CHECK(address("MG0123456789abcdef0123456789abcdef").form() == AddressForm::messaging_service);
  CHECK(address("14020").form() == AddressForm::short_code);
  CHECK(address("ING Bank").form() == AddressForm::name);
  CHECK(address("messenger:1234567").form() == AddressForm::name);
  CHECK(address("+1234567890123456").form() == AddressForm::name);  // sixteen digits are no number of E.164
  CHECK(address("+316a").form() == AddressForm::name);
}

TEST_CASE("one number on two channels has one identity") {
  CHECK(address("+31612345678").identity() == address("whatsapp:+31612345678").identity());
  CHECK(address("whatsapp:NL.13491208655302741918").identity() == "NL.13491208655302741918");
}

TEST_CASE("what people see is masked") {
  CHECK(address("+31612345678").masked() == "+31***78");
  CHECK(address("whatsapp:+31612345678").masked() == "whatsapp:+31***78");
  CHECK(address("whatsapp:NL.13491208655302741918").masked() == "whatsapp:NL.***");
  CHECK(address("messenger:1234567").masked() == "messenger:***");
  CHECK(address("ING Bank").masked() == "***");
  CHECK(address("+3161234").masked() == "+***");  // too short to show a part of it
  CHECK(address("14020").masked() == "14020");
  CHECK(address("MG0123456789abcdef0123456789abcdef").masked() == "MG0123456789abcdef0123456789abcdef");
  CHECK(fmt::format("{}", address("whatsapp:+31612345678")) == "whatsapp:+31***78");
}

TEST_CASE("what cannot stand in a key is no address") {
  for (const auto* text : {"", "whatsapp:", "a|b", "whatsapp: 31612345678", " +31612345678", "+31612345678 ", "+316\n",
                           "+316\t1", "caf\xC3\xA9"}) {
    CHECK(refused_as(Address::parse(text), Kind::invalid));
  }
  CHECK(Address::parse(std::string(256, '1')));
  CHECK(refused_as(Address::parse(std::string(257, '1')), Kind::invalid));
}

TEST_CASE("a refusal tells nothing of the address") {
  CHECK(refusal(Address::parse("+31612345678|")).find("612345678") == std::string::npos);
}

}  // namespace sluice::event
