#include "common/db/postgres_url.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>

#include "common/db/postgres_handles.hpp"

namespace sluice::db {
namespace {

using Words = std::map<std::string, std::string, std::less<>>;

Result<Words> words_of(std::string_view url) {
  char* reason = nullptr;  // it quotes pieces of the URL, the password perhaps among them: not for our sentence
  const PgOptions options{PQconninfoParse(std::string{url}.c_str(), &reason)};
  PQfreemem(reason);
  if (!options)
    return fail(Kind::invalid,
                "DATABASE_URL cannot be understood; it looks like postgresql://user:password@host:port/database");
  Words words;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0') words.emplace(option->keyword, option->val);
  }
  return words;
}

std::string take(Words& words, std::string_view name) {
  const auto found = words.find(name);
  if (found == words.end()) return {};
  auto value = std::move(found->second);
  words.erase(found);
  return value;
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> items;
  while (true) {
    const auto comma = text.find(',');
    items.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

bool is_loopback(const std::string& address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(address, error);
  if (error) return false;
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, parsed.to_v6()).is_loopback();
  return parsed.is_loopback();
}

bool is_address(const std::string& name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  return !error;
}

bool is_on_this_machine(const PostgresHost& host) {
  return host.is_socket() || is_loopback(host.address);
}

// `localhost` is this machine by definition, so that no name service can send plain text elsewhere.
void add_host(std::vector<PostgresHost>& hosts, const std::string& name, std::string address, const std::string& port) {
  if (address.empty() && name == "localhost") {
    hosts.push_back({name, "127.0.0.1", port});
    hosts.push_back({name, "::1", port});
    return;
  }
  if (address.empty() && is_address(name)) address = name;
  hosts.push_back({name.empty() ? address : name, std::move(address), port});
}

Result<std::vector<PostgresHost>> hosts_of(Words& words) {
  const auto names = list_of(take(words, "host"));
  const auto addresses = list_of(take(words, "hostaddr"));
  const auto ports = list_of(take(words, "port"));
  const auto count = std::max(names.size(), addresses.size());
  const auto fits = [count](const std::vector<std::string>& list) {
    return list.size() == count || (list.size() == 1 && list.front().empty());
  };
  if (!fits(names) || !fits(addresses) || (ports.size() != count && ports.size() != 1))
    return fail(Kind::invalid, "DATABASE_URL names lists of hosts, addresses and ports of unequal lengths");
  std::vector<PostgresHost> hosts;
  for (std::size_t place = 0; place < count; ++place) {
    const auto& name = place < names.size() ? names[place] : names.front();
    const auto& address = place < addresses.size() ? addresses[place] : addresses.front();
    if (name.empty() && address.empty())
      return fail(Kind::invalid,
                  "DATABASE_URL names no host; give one, or a socket's folder as ?host=/var/run/postgresql");
    if (!address.empty() && !is_address(address))
      return fail(Kind::invalid, "DATABASE_URL has a hostaddr that is no numeric address");
    const auto& port = ports.size() == count ? ports[place] : ports.front();
    add_host(hosts, name, address, port.empty() ? "5432" : port);
  }
  return hosts;
}

std::string system_authorities() {
  if (PQlibVersion() >= 160000) return "system";
  constexpr std::array<const char*, 3> bundles{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                               "/etc/ssl/cert.pem"};
  const auto* const found = std::find_if(bundles.begin(), bundles.end(), [](const char* path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
  });
  return found == bundles.end() ? "" : *found;
}

Done secure(Words& words, const std::vector<PostgresHost>& hosts) {
  const auto foreign = std::find_if_not(hosts.begin(), hosts.end(), is_on_this_machine);
  if (foreign == hosts.end()) {
    words.emplace("sslmode", "disable");
    return {};
  }
  const auto& mode = words.emplace("sslmode", "verify-full").first->second;
  if (mode != "verify-full")
    return fail(Kind::invalid,
                fmt::format("DATABASE_URL asks for sslmode={} to the host '{}', which is another machine; only "
                            "sslmode=verify-full is allowed there, with sslrootcert=FILE for an authority of your own",
                            mode, foreign->name));
  if (!words.contains("sslrootcert")) {
    if (const auto authorities = system_authorities(); !authorities.empty()) words.emplace("sslrootcert", authorities);
  }
  return {};
}

// A dead network is noticed within half a minute; a moved or read-only server is not taken for the primary.
void add_defaults(Words& words, bool many_servers) {
  words.emplace("keepalives_idle", "15");
  words.emplace("keepalives_interval", "5");
  words.emplace("keepalives_count", "3");
  words.emplace("tcp_user_timeout", "20000");
  words.emplace("gssencmode", "disable");
  if (many_servers) words.emplace("target_session_attrs", "read-write");
}

// The last word for the same name wins, so the URL may choose what stands before it, and not what stands behind.
std::string options_of(const std::string& given, const PostgresSession& session) {
  return fmt::format(
      "-c synchronous_commit=on -c TimeZone=UTC {} -c bytea_output=hex -c extra_float_digits=1 "
      "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={}",
      given, session.statement_wait_max.count(), session.lock_wait_max.count(), session.statement_wait_max.count());
}

}  // namespace

Result<PostgresTarget> target_of(std::string_view url, const PostgresSession& session) {
  auto words = words_of(url);
  if (!words) return fail(std::move(words).error());
  if (words->contains("service"))
    return fail(Kind::invalid, "DATABASE_URL names a service; write its parameters into the URL itself");
  auto hosts = hosts_of(*words);
  if (!hosts) return fail(std::move(hosts).error());
  auto secured = secure(*words, *hosts);
  if (!secured) return fail(std::move(secured).error());
  add_defaults(*words, hosts->front().name != hosts->back().name);
  words->emplace("application_name", session.application_name);
  words->insert_or_assign("client_encoding", "UTF8");
  words->insert_or_assign("options", options_of(take(*words, "options"), session));
  return PostgresTarget{std::move(*hosts), {words->begin(), words->end()}};
}

}  // namespace sluice::db
