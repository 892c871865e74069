// SPDX-License-Identifier: MIT
// pop3d's TLS against a client of OpenSSL in the same thread: what no client over a network can show.
#include "pop3d/tls.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "pop3d/stream.hpp"

namespace {

using pop3d::FreeTls;
using pop3d::Stream;
using pop3d::Tried;

struct Client {
  explicit Client(int most = TLS1_3_VERSION) : context(SSL_CTX_new(TLS_client_method())), most_(most) {}

  void begin(int socket) {
    connection.reset(SSL_new(context.get()));
    SSL_set_max_proto_version(connection.get(), most_);
    SSL_set_fd(connection.get(), socket);
    if (session != nullptr) SSL_set_session(connection.get(), session);
    SSL_set_connect_state(connection.get());
  }
  bool handshake() const { return SSL_do_handshake(connection.get()) == 1; }
  void keep_session() {
    SSL_SESSION_free(session);
    session = SSL_get1_session(connection.get());
    SSL_set_shutdown(connection.get(), SSL_SENT_SHUTDOWN);  // a session that ends without is not resumed
  }
  ~Client() { SSL_SESSION_free(session); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::unique_ptr<SSL_CTX, FreeTls> context;
  std::unique_ptr<SSL, FreeTls> connection;
  SSL_SESSION* session = nullptr;

 private:
  int most_;
};

struct Pair {
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0); }
  ~Pair() {
    for (const int end : ends) ::close(end);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  int server() const { return ends[0]; }
  int client() const { return ends[1]; }
  std::array<int, 2> ends{};
};

std::shared_ptr<const pop3d::TlsContext> demo() {
  pop3d::TlsSettings settings;
  settings.hostname = "pop.example.org";
  return std::make_shared<const pop3d::TlsContext>(settings);
}

// A folder with certificates that sign themselves.
class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // `hash` = null: of an algorithm that has its own.
  pop3d::TlsSettings::Files make(const char* dns, EVP_PKEY* key, const EVP_MD* hash) {
    X509* const c = X509_new();
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c), ++made_);
    X509_gmtime_adj(X509_getm_notBefore(c), -60);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    const std::string names = std::string("DNS:") + dns;
    X509_EXTENSION* const alternative = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(c, alternative, -1);
    X509_EXTENSION_free(alternative);
    X509_set_pubkey(c, key);
    REQUIRE(X509_sign(c, key, hash) > 0);
    const pop3d::TlsSettings::Files files{path_ + "/cert" + std::to_string(made_),
                                          path_ + "/key" + std::to_string(made_)};
    std::FILE* file = std::fopen(files.certificate.c_str(), "w");
    REQUIRE(file != nullptr);
    PEM_write_X509(file, c);
    std::fclose(file);
    file = std::fopen(files.key.c_str(), "w");
    REQUIRE(file != nullptr);
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(c);
    EVP_PKEY_free(key);
    return files;
  }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "mailwire-XXXXXX";
  int made_ = 0;
};

// Until both are done, or nothing goes on.
bool shake_hands(Stream& server, const Client& client) {
  bool served = false;
  for (int i = 0; i < 10; ++i) {
    const bool done = client.handshake();
    const Tried tried = server.handshake();
    served = served || tried.result == Tried::done;
    if (tried.result == Tried::failed) return false;
    if (done && served) return true;
  }
  return false;
}

std::string receive(int socket, std::size_t most) {
  std::string octets(most, '\0');
  const ssize_t size = ::recv(socket, octets.data(), most, 0);
  octets.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return octets;
}

std::string read(Stream& server) {
  std::string octets(100, '\0');
  const Tried tried = server.read(octets.data(), octets.size());
  octets.resize(tried.result == Tried::done ? tried.octets : 0);
  return octets;
}

// The octets go both ways, through TLS.
void check_talk(Stream& server, const Client& client) {
  REQUIRE(SSL_write(client.connection.get(), "CAPA\r\n", 6) == 6);
  CHECK(read(server) == "CAPA\r\n");
  const pop3::ConstBuffer answer[] = {{"+OK", 3}, {"\r\n", 2}};
  const Tried written = server.write(answer, 2, false);
  CHECK(written.result == Tried::done);
  char back[10] = {};
  CHECK(SSL_read(client.connection.get(), back, sizeof back) == 5);
  CHECK(std::string(back) == "+OK\r\n");
}

std::string bound(const Client& client, std::string_view type) {
  return pop3d::channel_binding(client.connection.get(), type);
}

}  // namespace

TEST_CASE("R141 R142: a stream goes over to TLS; what was read of the ClientHello before belongs to it") {
  const auto tls = demo();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    std::size_t all = 0;
    for (std::size_t before = 0; all == 0 || before <= all; before = all == 0 ? 1 : before + 7) {
      CAPTURE(before);
      const Pair sockets;
      Stream server(sockets.server());
      CHECK_FALSE(server.encrypted());
      Client client(version);
      client.begin(sockets.client());
      CHECK_FALSE(client.handshake());
      if (all == 0) {  // once: how long it is
        std::string hello(4096, '\0');
        all = static_cast<std::size_t>(::recv(sockets.server(), hello.data(), hello.size(), MSG_PEEK));
        REQUIRE(all > 100);
        REQUIRE(all < hello.size());
      }
      const std::string early = before == 0 ? "" : receive(sockets.server(), before);
      REQUIRE(early.size() == before);
      server.start_tls(tls, early);
      CHECK(server.encrypted());
      REQUIRE(shake_hands(server, client));
      check_talk(server, client);
      CHECK(server.close_notify().result == Tried::done);
      char nothing = 0;
      CHECK(SSL_read(client.connection.get(), &nothing, 1) <= 0);
      CHECK((SSL_get_shutdown(client.connection.get()) & SSL_RECEIVED_SHUTDOWN) != 0);
    }
  }
}

TEST_CASE("R142: a command in the clear behind STLS is no TLS, and what comes behind a ClientHello is no command") {
  const auto tls = demo();
  {
    const Pair sockets;
    Stream server(sockets.server());
    server.start_tls(tls, "USER ann\r\nPASS sesame\r\n");
    CHECK(server.handshake().result == Tried::failed);
  }
  {
    const Pair sockets;
    Stream server(sockets.server());
    Client client;
    client.begin(sockets.client());
    CHECK_FALSE(client.handshake());
    server.start_tls(tls, receive(sockets.server(), 4096) + "USER ann\r\n");
    CHECK_FALSE(shake_hands(server, client));
  }
}

TEST_CASE("channel binding: both sides have the same; which there are depends on the version") {
  const auto tls = demo();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    Client client(version);
    std::string last_exporter, last_end_point;
    for (const bool resumed : {false, true}) {
      CAPTURE(resumed);
      const Pair sockets;
      Stream server(sockets.server());
      CHECK(server.channel_binding("tls-exporter").empty());
      server.start_tls(tls, {});
      CHECK(server.channel_binding("tls-exporter").empty());  // before the handshake there is none
      client.begin(sockets.client());
      REQUIRE(shake_hands(server, client));
      CHECK((SSL_session_reused(client.connection.get()) == 1) == resumed);

      const std::string exporter = server.channel_binding("tls-exporter");
      CHECK(exporter.size() == 32);
      CHECK(exporter == bound(client, "tls-exporter"));
      CHECK(exporter != std::exchange(last_exporter, exporter));

      // The certificate of the demo is signed with SHA-256.
      X509* const shown = SSL_get0_peer_certificate(client.connection.get());
      unsigned char hash[32];
      REQUIRE(X509_digest(shown, EVP_sha256(), hash, nullptr) == 1);
      const std::string end_point = server.channel_binding("tls-server-end-point");
      CHECK(end_point == std::string(reinterpret_cast<const char*>(hash), sizeof hash));
      if (resumed) CHECK(end_point == last_end_point);
      last_end_point = end_point;

      // The client's view of tls-unique: its own Finished comes first, unless the session was resumed.
      char finished[64];
      SSL* const c = client.connection.get();
      const std::size_t size = resumed ? SSL_get_peer_finished(c, finished, sizeof finished)
                                       : SSL_get_finished(c, finished, sizeof finished);
      CHECK(server.channel_binding("tls-unique") ==
            (version == TLS1_2_VERSION ? std::string(finished, size) : std::string()));
      CHECK(server.channel_binding("tls-unknown").empty());
      CHECK(server.channel_binding("").empty());
      check_talk(server, client);  // 1.3: the tickets come with the first octets
      client.keep_session();
    }
  }
}

TEST_CASE("channel binding: without the extended master secret tls-exporter is not given, nor tls-unique if resumed") {
  const auto tls = demo();
  Client client(TLS1_2_VERSION);
  SSL_CTX_set_options(client.context.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
  for (const bool resumed : {false, true}) {
    const Pair sockets;
    Stream server(sockets.server());
    server.start_tls(tls, {});
    client.begin(sockets.client());
    REQUIRE(shake_hands(server, client));
    CHECK((SSL_session_reused(client.connection.get()) == 1) == resumed);
    CHECK(server.channel_binding("tls-exporter").empty());
    CHECK(server.channel_binding("tls-unique").size() == (resumed ? 0 : 12));
    CHECK(server.channel_binding("tls-server-end-point").size() == 32);
    client.keep_session();
  }
}

TEST_CASE(
    "channel binding: tls-server-end-point is the hash of the certificate that was shown, by its signature's hash") {
  Folder folder;
  pop3d::TlsSettings settings;
  settings.certificates = {folder.make("sha256", EVP_EC_gen("P-256"), EVP_sha256()),
                           folder.make("sha1", EVP_EC_gen("P-256"), EVP_sha1()),
                           folder.make("sha384", EVP_EC_gen("P-256"), EVP_sha384()),
                           folder.make("sha512", EVP_RSA_gen(2048), EVP_sha512()),
                           folder.make("both", EVP_EC_gen("P-256"), EVP_sha256()),
                           folder.make("both", EVP_RSA_gen(2048), EVP_sha256()),
                           folder.make("none", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), nullptr)};
  const auto tls = std::make_shared<const pop3d::TlsContext>(settings);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (const auto& [name, hash] : {std::pair("sha256", EVP_sha256()),
                                     {"sha1", EVP_sha256()},
                                     {"sha384", EVP_sha384()},
                                     {"sha512", EVP_sha512()},
                                     {"both", EVP_sha256()},
                                     {"none", nullptr}}) {
      CAPTURE(name);
      CAPTURE(version);
      Client client(version);
      for (const bool resumed : {false, true}) {
        CAPTURE(resumed);
        const Pair sockets;
        Stream server(sockets.server());
        server.start_tls(tls, {});
        client.begin(sockets.client());
        SSL_set_tlsext_host_name(client.connection.get(), name);
        REQUIRE(shake_hands(server, client));
        CHECK((SSL_session_reused(client.connection.get()) == 1) == resumed);
        unsigned char octets[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        // Two may have been shown: after a resumption it is not known which one.
        if (hash != nullptr && !(resumed && std::string_view(name) == "both"))
          X509_digest(SSL_get0_peer_certificate(client.connection.get()), hash, octets, &size);
        CHECK(server.channel_binding("tls-server-end-point") == std::string(reinterpret_cast<char*>(octets), size));
        check_talk(server, client);
        client.keep_session();
      }
    }
}

TEST_CASE("a session of TLS is not resumed with certificates that were loaded again") {
  Client client(TLS1_2_VERSION);
  for (int i = 0; i < 2; ++i) {
    const Pair sockets;
    Stream server(sockets.server());
    server.start_tls(demo(), {});
    client.begin(sockets.client());
    REQUIRE(shake_hands(server, client));
    CHECK(SSL_session_reused(client.connection.get()) == 0);
    client.keep_session();
  }
}

TEST_CASE("the facts of a connection") {
  const Pair sockets;
  Stream server(sockets.server());
  CHECK(server.tls_details().version.empty());
  server.start_tls(demo(), {});
  Client client;
  client.begin(sockets.client());
  SSL_set_tlsext_host_name(client.connection.get(), "pop.example.org");
  const unsigned char offered[] = "\x02h2\x04pop3";
  SSL_set_alpn_protos(client.connection.get(), offered, sizeof offered - 1);
  REQUIRE(shake_hands(server, client));
  const pop3d::TlsDetails details = server.tls_details();
  CHECK(details.version == "TLSv1.3");
  CHECK(details.cipher == SSL_get_cipher_name(client.connection.get()));
  CHECK(details.sni == "pop.example.org");
  CHECK(details.alpn == "pop3");
  CHECK(details.identity.empty());
}
