// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <unistd.h>

#include <boost/program_options.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>

#include "mailwire/ascii.hpp"
#include "mailwire/version.hpp"
#include "pop3/detail/capabilities.hpp"

namespace pop3d {
namespace {

namespace po = boost::program_options;

constexpr const char* introduction = R"(pop3d serves Maildirs by POP3.

  pop3d                                 a demo on 127.0.0.1: port 1110, and 1995 with TLS
  pop3d --mail DIR --users FILE --listen-tls 0.0.0.0:995 --cert FILE --key FILE
  pop3d --hash-password --user ann      asks for a password, prints a line for --users

)";

struct Values {
  std::vector<std::string> listen, listen_tls, proxy_from;
  std::vector<std::string> certificates, keys;
  std::string workers, max_connections, log_level, client_name;
  std::string connections_per_address, connections_per_user, failed_logins, ban_time, login_delay, expire, mechanisms;
  Options options;
};

po::options_description describe(Values& values) {
  Options& options = values.options;
  po::options_description all("Options");
  // clang-format off
  all.add_options()
    ("listen", po::value(&values.listen)->value_name("HOST:PORT"),
     "accept connections here; port 0 = a free one, [HOST]:PORT for IPv6; may be given many times")
    ("listen-tls", po::value(&values.listen_tls)->value_name("HOST:PORT"), "the same, with TLS from the start")
    ("mail", po::value(&options.mail)->value_name("DIR"), "the Maildir of each user is DIR/USER")
    ("users", po::value(&options.users)->value_name("FILE"), "who may log in: user:{SCHEME}secret, a passwd-file of Dovecot")
    ("cert", po::value(&values.certificates)->value_name("FILE"),
     "certificate chain for TLS, PEM; may be given many times: a client gets the one for the name it asks for, else "
     "the first")
    ("key", po::value(&values.keys)->value_name("FILE"), "its private key, PEM; one for each --cert, in their order")
    ("client-ca", po::value(&options.tls.client_ca)->value_name("FILE"),
     "ask clients for a certificate of these authorities, PEM; they may have none")
    ("require-client-cert", po::bool_switch(&options.tls.needs_client_certificate), "no TLS without one")
    ("client-cert-name", po::value(&values.client_name)->value_name("PART"),
     "what in it names the user: cn (default), uid or email")
    ("allow-plaintext", po::bool_switch(&options.allow_plaintext), "let users log in without TLS")
    ("proxy-from", po::value(&values.proxy_from)->value_name("ADDRESS[/BITS]"),
     "connections from here must begin with a PROXY header, also in front of TLS; may be given many times")
    ("hostname", po::value(&options.hostname)->value_name("NAME"), "how the server calls itself")
    ("workers", po::value(&values.workers)->value_name("N"),
     "threads that serve connections; default: one for each processor")
    ("threads", po::value(&values.workers)->value_name("N"), "the same, by its old name")
    ("max-connections", po::value(&values.max_connections)->value_name("N"),
     "further ones are refused; default: 10000")
    ("max-connections-per-address", po::value(&values.connections_per_address)->value_name("N"),
     "an IPv6 /64 is one address; 0 = no limit; default: 50")
    ("max-connections-per-user", po::value(&values.connections_per_user)->value_name("N"),
     "with the right password; 0 = no limit; default: 10")
    ("failed-logins-per-address", po::value(&values.failed_logins)->value_name("N"),
     "each makes the next replies slower; after so many the address is refused; 0 = never; default: 20")
    ("ban-time", po::value(&values.ban_time)->value_name("SECONDS"),
     "without a failed login, until they are forgotten; default: 600")
    ("login-delay", po::value(&values.login_delay)->value_name("SECONDS"),
     "how long a user has to wait after a login until the next one; default: 0")
    ("expire", po::value(&values.expire)->value_name("DAYS"),
     "announce that messages are kept so long, or \"never\" removed; 0 = those retrieved are removed at QUIT")
    ("mechanisms", po::value(&values.mechanisms)->value_name("LIST"),
     "offer these SASL mechanisms alone, as far as they can work: names with commas between them")
    ("apop", po::bool_switch(&options.apop), "offer APOP, for users with a {PLAIN} password")
    ("oauth-key", po::value(&options.tokens.keys)->value_name("FILE"),
     "let users log in with tokens (JWT) that are signed with it: a public key or certificate, PEM, or a JWK set; may be "
     "given many times")
    ("oauth-issuer", po::value(&options.tokens.issuer)->value_name("TEXT"), "who makes the tokens: their claim iss")
    ("oauth-audience", po::value(&options.tokens.audience)->value_name("TEXT"),
     "whom they are made for: has to be in their claim aud")
    ("oauth-user-claim", po::value(&options.tokens.user_claim)->value_name("NAME"),
     "the claim that is the user's name; default: email")
    ("oauth-scope", po::value(&options.tokens.scope)->value_name("TEXT"),
     "words that have to be in their claim scope; clients are told")
    ("utf8", po::bool_switch(&options.utf8),
     "offer UTF8 (RFC 6856): 8-bit names and passwords; messages with an 8-bit header are for those who ask for it")
    ("hash-password", po::bool_switch(&options.hash_password),
     "read a password from standard input, print it as it may stand in the file of users")
    ("scheme", po::value(&options.scheme)->value_name("NAME"),
     "for --hash-password: CRYPT (yescrypt, default), SHA512-CRYPT, BLF-CRYPT, ARGON2ID, SCRAM-SHA-256")
    ("user", po::value(&options.user)->value_name("NAME"), "for --hash-password: print the whole line of this user")
    ("log-level", po::value(&values.log_level)->value_name("LEVEL"), "error, warning, info (default) or debug")
    ("help", "show this")
    ("version", "show the version");
  // clang-format on
  return all;
}

// "host:port", "[host]:port"
Listen parse_listen(const std::string& option, const std::string& text, bool tls) {
  const WrongUse wrong(option + ": expected HOST:PORT or [HOST]:PORT, not \"" + text + "\"");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw wrong;
  std::string host = text.substr(0, colon);
  const std::string port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos)
    throw wrong;
  const auto number = mailwire::parse_number(port);
  if (host.empty() || !number || *number > 65535) throw wrong;
  return {host, port, tls};
}

mailwire::IpNetwork parse_proxy(const std::string& text) {
  const auto network = mailwire::parse_network(text);
  if (!network) throw WrongUse("--proxy-from: expected ADDRESS or ADDRESS/BITS, not \"" + text + "\"");
  return *network;
}

std::uint64_t parse_count(const std::string& option, const std::string& text, std::uint64_t most,
                          std::uint64_t least = 1) {
  const auto number = mailwire::parse_number(text);
  if (!number || *number < least || *number > most)
    throw WrongUse(option + ": expected a number from " + std::to_string(least) + " to " + std::to_string(most) +
                   ", not \"" + text + "\"");
  return *number;
}

Level parse_level(const std::string& text) {
  if (text == "error") return Level::error;
  if (text == "warning") return Level::warning;
  if (text == "info") return Level::info;
  if (text == "debug") return Level::debug;
  throw WrongUse("--log-level: expected error, warning, info or debug, not \"" + text + "\"");
}

ClientName parse_client_name(const std::string& text) {
  if (text == "cn") return ClientName::common_name;
  if (text == "uid") return ClientName::user_id;
  if (text == "email") return ClientName::email;
  throw WrongUse("--client-cert-name: expected cn, uid or email, not \"" + text + "\"");
}

std::vector<TlsSettings::Files> pair(const std::vector<std::string>& certificates,
                                     const std::vector<std::string>& keys) {
  if (certificates.size() != keys.size()) throw WrongUse("--cert and --key go together");
  std::vector<TlsSettings::Files> pairs;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (certificates[i].empty()) throw WrongUse("--cert: empty");
    if (keys[i].empty()) throw WrongUse("--key: empty");
    pairs.push_back({certificates[i], keys[i]});
  }
  return pairs;
}

std::vector<std::string> parse_mechanisms(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream in(text);
  for (std::string name; std::getline(in, name, ',');) {
    if (pop3::detail::find_method(name) == pop3::AuthMethod::other)
      throw WrongUse("--mechanisms: \"" + name + "\" is not known");
    names.push_back(name);
  }
  return names;
}

void parse_throttle(const Values& values, const po::variables_map& given, Options& options) {
  constexpr std::uint64_t most = 1'000'000;
  const auto limit = [&](const char* name, const std::string& text, std::size_t& value) {
    if (given.count(name) == 0) return;
    value = parse_count("--" + std::string(name), text, most, 0);
    if (value == 0) value = std::numeric_limits<std::size_t>::max();
  };
  Throttle::Limits& limits = options.throttle;
  limit("max-connections-per-address", values.connections_per_address, limits.connections_per_address);
  limit("max-connections-per-user", values.connections_per_user, limits.connections_per_user);
  if (given.count("failed-logins-per-address") > 0)
    limits.failed_logins =
        static_cast<unsigned>(parse_count("--failed-logins-per-address", values.failed_logins, most, 0));
  if (given.count("ban-time") > 0)
    limits.ban_time = std::chrono::seconds(parse_count("--ban-time", values.ban_time, most));
  if (given.count("login-delay") > 0)
    options.login_delay = std::chrono::seconds(parse_count("--login-delay", values.login_delay, most, 0));
  if (given.count("expire") > 0)
    options.expire = values.expire == "never"
                         ? pop3::expire_never
                         : static_cast<std::uint32_t>(parse_count("--expire", values.expire, most, 0));
}

void check_tokens(const TokenSettings& tokens, const po::variables_map& given) {
  constexpr const char* names[] = {"oauth-issuer", "oauth-audience", "oauth-user-claim", "oauth-scope"};
  for (const char* const name : names) {
    if (given.count(name) == 0) continue;
    if (!tokens.wanted()) throw WrongUse("--" + std::string(name) + " needs --oauth-key");
    if (given[name].as<std::string>().empty()) throw WrongUse("--" + std::string(name) + ": empty");
  }
  if (tokens.wanted() && (tokens.issuer.empty() || tokens.audience.empty()))
    throw WrongUse("--oauth-key needs --oauth-issuer and --oauth-audience");
  if (!is_scope(tokens.scope)) throw WrongUse("--oauth-scope: expected words with one space between them");
}

std::string own_hostname() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

bool is_hostname(const std::string& name) {
  return !name.empty() && name.size() <= 253 && mailwire::all_of(name, [](char c) {
    return mailwire::is_digit(c) || mailwire::is_letter(c) || c == '-' || c == '.' || c == '_';
  });
}

void check(Options& options) {
  const auto wrong = [](const char* what) { throw WrongUse(what); };
  if (options.demo() != options.users.empty()) wrong("--mail and --users go together");
  if (options.tls.needs_client_certificate && options.tls.client_ca.empty())
    wrong("--require-client-cert needs --client-ca");
  if (!is_hostname(options.hostname)) wrong("--hostname: this is no host name");
  if (options.demo()) {
    options.allow_plaintext = true;
    if (options.listen.empty()) options.listen = {{"127.0.0.1", "1110", false}, {"127.0.0.1", "1995", true}};
    return;
  }
  if (options.listen.empty()) wrong("nothing to listen on: give --listen or --listen-tls");
  for (const Listen& listen : options.listen)
    if (listen.tls && options.tls.certificates.empty()) wrong("--listen-tls needs --cert and --key");
}

po::variables_map parse(int argc, const char* const* argv, const po::options_description& all) try {
  using namespace po::command_line_style;
  po::variables_map given;
  po::store(po::command_line_parser(argc, argv)
                .options(all)
                .positional({})
                .style(unix_style & ~allow_guessing & ~allow_short)
                .run(),
            given);
  po::notify(given);
  return given;
} catch (const po::too_many_positional_options_error&) {
  throw WrongUse("all arguments belong to an --option");
} catch (const po::error& error) {
  throw WrongUse(error.what());
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  Values values;
  Options& options = values.options;
  const po::options_description all = describe(values);
  const po::variables_map given = parse(argc, argv, all);

  if (given.count("help") > 0) {
    std::ostringstream text;
    text << introduction << all;
    options.text = text.str();
    return options;
  }
  if (given.count("version") > 0) {
    options.text = "pop3d (mailwire) " MAILWIRE_VERSION "\n";
    return options;
  }
  if (options.hash_password) return options;
  for (const char* const name : {"scheme", "user"})
    if (given.count(name) > 0) throw WrongUse("--" + std::string(name) + " belongs to --hash-password");
  for (const char* const name : {"mail", "users", "client-ca", "hostname"})
    if (given.count(name) > 0 && given[name].as<std::string>().empty())
      throw WrongUse("--" + std::string(name) + ": empty");

  for (const std::string& text : values.listen) options.listen.push_back(parse_listen("--listen", text, false));
  for (const std::string& text : values.listen_tls) options.listen.push_back(parse_listen("--listen-tls", text, true));
  for (const std::string& text : values.proxy_from) options.proxies.push_back(parse_proxy(text));
  const unsigned processors = std::thread::hardware_concurrency();
  options.workers = processors > 0 ? processors : 1;
  for (const char* const name : {"workers", "threads"})
    if (given.count(name) > 0)
      options.workers = static_cast<unsigned>(parse_count("--" + std::string(name), values.workers, 256));
  if (given.count("max-connections") > 0)
    options.max_connections = parse_count("--max-connections", values.max_connections, 1'000'000);
  parse_throttle(values, given, options);
  if (given.count("mechanisms") > 0) options.mechanisms = parse_mechanisms(values.mechanisms);
  check_tokens(options.tokens, given);
  if (given.count("log-level") > 0) options.log_level = parse_level(values.log_level);
  if (given.count("hostname") == 0) options.hostname = options.demo() ? "localhost" : own_hostname();
  options.tls.certificates = pair(values.certificates, values.keys);
  options.tls.hostname = options.hostname;
  if (given.count("client-cert-name") > 0) options.tls.client_name = parse_client_name(values.client_name);
  check(options);
  return options;
}

}  // namespace pop3d
