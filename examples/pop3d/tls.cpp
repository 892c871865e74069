// SPDX-License-Identifier: MIT
#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace pop3d {
namespace {

[[noreturn]] void fail(const std::string& what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  throw std::runtime_error(what + (reason == nullptr ? "" : std::string(": ") + reason));
}

void need(bool worked, const char* what) {
  if (!worked) fail(what);
}

using Context = std::unique_ptr<SSL_CTX, FreeTls>;

// RFC 7301 has "pop3" for this. A client that offers only other names takes us for another server: it is stopped before
// anything it says can be taken for POP3 (RFC 7301, 3.2).
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  constexpr std::string_view own = "pop3";
  for (unsigned at = 0; at < offered_size; at += offered[at] + 1U) {
    const unsigned char* const name = offered + at + 1;
    if (std::string_view(reinterpret_cast<const char*>(name), offered[at]) != own) continue;
    *chosen = name;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Mozilla lets the client choose among these ciphers: none is weak, and it knows which one its processor is good at.
void set_rules(SSL_CTX* c) {
  need(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1, "TLS version");
  need(SSL_CTX_set_cipher_list(c,
                               "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                               "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                               "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305") == 1,
       "TLS ciphers");
  // OpenSSL knows the first one, against quantum computers, from 3.5 on.
  if (SSL_CTX_set1_groups_list(c, "X25519MLKEM768:X25519:P-256:P-384") != 1)
    need(SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384") == 1, "TLS groups");
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_alpn_select_cb(c, choose_protocol, nullptr);
  // A write that could not be finished is tried again with the same octets, from wherever they lie by then. An idle
  // connection gives its buffers back.
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);                           // one call for a record, not two
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // tickets keep what sessions need
}

Context make_context() {
  Context context(SSL_CTX_new(TLS_server_method()));
  need(context != nullptr, "TLS");
  return context;
}

void ask_clients(SSL_CTX* c, const TlsSettings& settings) {
  const std::string& file = settings.client_ca;
  if (SSL_CTX_load_verify_file(c, file.c_str()) != 1) fail(file);
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(file.c_str());  // the client may choose by them
  if (names == nullptr) fail(file);
  SSL_CTX_set_client_CA_list(c, names);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | (settings.needs_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  // OpenSSL resumes no session of a known client without one.
  constexpr unsigned char id[] = {'p', 'o', 'p', '3', 'd'};
  need(SSL_CTX_set_session_id_context(c, id, sizeof id) == 1, "TLS sessions");
}

struct Free {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

Certificate sign_own(EVP_PKEY* key, const std::string& hostname) {
  Certificate certificate(X509_new());
  X509* const c = certificate.get();
  need(c != nullptr && X509_set_version(c, X509_VERSION_3) == 1, "certificate");
  ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
  X509_gmtime_adj(X509_getm_notBefore(c), -3600);
  X509_gmtime_adj(X509_getm_notAfter(c), 30L * 24 * 3600);
  X509_NAME* const name = X509_get_subject_name(c);
  const auto* const text = reinterpret_cast<const unsigned char*>("mailwire demo");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(c, name);
  const std::string names = "DNS:" + hostname + ",DNS:localhost,IP:127.0.0.1,IP:::1";
  const std::unique_ptr<X509_EXTENSION, Free> alternative(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
  need(alternative && X509_add_ext(c, alternative.get(), -1) == 1, "certificate names");
  need(X509_set_pubkey(c, key) == 1 && X509_sign(c, key, EVP_sha256()) > 0, "certificate signature");
  return certificate;
}

Context load(const TlsSettings::Files& files) {
  Context context = make_context();
  SSL_CTX* const c = context.get();
  SSL_CTX_set_default_passwd_cb(c, [](char*, int, int, void*) { return 0; });  // a server asks nobody
  if (SSL_CTX_use_certificate_chain_file(c, files.certificate.c_str()) != 1) fail(files.certificate);
  if (SSL_CTX_use_PrivateKey_file(c, files.key.c_str(), SSL_FILETYPE_PEM) != 1) fail(files.key);
  if (SSL_CTX_check_private_key(c) != 1) fail(files.key + " is not the key of " + files.certificate);
  return context;
}

Context make_own(const std::string& hostname) {
  Context context = make_context();
  const Key key(EVP_EC_gen("P-256"));
  need(key != nullptr, "key");
  const Certificate certificate = sign_own(key.get(), hostname);
  need(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
           SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1,
       "certificate");
  return context;
}

// ---- who the client is --------------------------------------------------------------------------------------------

// A NUL would let two names look like one.
std::string text_of(const ASN1_STRING* string) {
  unsigned char* octets = nullptr;
  const int size = ASN1_STRING_to_UTF8(&octets, string);
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size));
  OPENSSL_free(octets);
  return text.find('\0') == std::string::npos ? text : std::string();
}

// Who has two names has none: it would not be known which one was meant.
std::string subject_part(const X509* certificate, int part) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, part, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, part, at) >= 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

std::string email_of(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string email;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind);
    if (kind != GEN_EMAIL) continue;
    if (!email.empty()) return {};
    email = text_of(static_cast<const ASN1_STRING*>(value));
  }
  return email;
}

std::string identity_of(const X509* certificate, ClientName name) {
  switch (name) {
    case ClientName::common_name: return subject_part(certificate, NID_commonName);
    case ClientName::user_id: return subject_part(certificate, NID_userId);
    case ClientName::email: return email_of(certificate);
  }
  return {};
}

// ---- channel binding ----------------------------------------------------------------------------------------------

bool has_extended_master_secret(SSL* c) { return SSL_get_extms_support(c) == 1; }  // RFC 7627; 1.3 needs none

std::string exporter(SSL* c) {
  if (SSL_version(c) < TLS1_3_VERSION && !has_extended_master_secret(c)) return {};  // RFC 9266 4.2
  constexpr std::string_view label = "EXPORTER-Channel-Binding";
  unsigned char key[32];
  if (SSL_export_keying_material(c, key, sizeof key, label.data(), label.size(), nullptr, 0, 1) != 1) return {};
  return {reinterpret_cast<const char*>(key), sizeof key};
}

// The hash of the certificate, by the hash of its signature (RFC 5929 4.1). A signature that has none of its own, as
// Ed25519's, leaves it undefined.
std::string server_end_point(SSL* c) {
  // A resumed connection names no certificate. Where there were several to choose from, it is not known which it was.
  if (SSL_session_reused(c) == 1 && SSL_set_current_cert(c, SSL_CERT_SET_FIRST) == 1 &&
      SSL_set_current_cert(c, SSL_CERT_SET_NEXT) == 1)
    return {};
  X509* const certificate = SSL_get_certificate(c);
  int hash = NID_undef;
  if (certificate == nullptr || X509_get_signature_info(certificate, &hash, nullptr, nullptr, nullptr) != 1) return {};
  if (hash == NID_md5 || hash == NID_sha1) hash = NID_sha256;
  const EVP_MD* const algorithm = EVP_get_digestbynid(hash);
  unsigned char octets[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (algorithm == nullptr || X509_digest(certificate, algorithm, octets, &size) != 1) return {};
  return {reinterpret_cast<const char*>(octets), size};
}

// The first Finished of the handshake (RFC 5929 3): the server sends it when a session is resumed, which without the
// extended master secret an attacker in the middle can bring about on both sides (RFC 7627 1).
std::string unique(SSL* c) {
  if (SSL_version(c) != TLS1_2_VERSION) return {};
  const bool resumed = SSL_session_reused(c) == 1;
  if (resumed && !has_extended_master_secret(c)) return {};
  char octets[EVP_MAX_MD_SIZE];
  const std::size_t size =
      resumed ? SSL_get_finished(c, octets, sizeof octets) : SSL_get_peer_finished(c, octets, sizeof octets);
  return {octets, std::min(size, sizeof octets)};
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

}  // namespace

TlsContext::TlsContext(const TlsSettings& settings) : client_name_(settings.client_name) {
  for (const TlsSettings::Files& files : settings.certificates) contexts_.push_back(load(files));
  if (contexts_.empty()) contexts_.push_back(make_own(settings.hostname));
  SSL_CTX* const first = contexts_.front().get();
  set_rules(first);
  if (!settings.client_ca.empty()) ask_clients(first, settings);
  SSL_CTX_set_tlsext_servername_arg(first, this);
  SSL_CTX_set_tlsext_servername_callback(
      first,
      +[](SSL* connection, int*, void* self) { return static_cast<const TlsContext*>(self)->choose(connection); });
}

std::unique_ptr<SSL, FreeTls> TlsContext::connection() const {
  std::unique_ptr<SSL, FreeTls> made(SSL_new(contexts_.front().get()));
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

// By the name that the client asks for; by its own name a certificate is preferred to one with a wildcard.
int TlsContext::choose(SSL* connection) const {
  const std::string name = text_or_empty(SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name));
  if (name.empty() || name[0] == '.') return SSL_TLSEXT_ERR_NOACK;  // the dot would ask for any name below
  ERR_set_mark();  // what is wrong with one certificate is not what became of the handshake
  const bool found = show_all_for(connection, name, X509_CHECK_FLAG_NO_WILDCARDS) ||
                     show_all_for(connection, name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  ERR_pop_to_mark();
  return found ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// All: one may have an RSA key and another an elliptic one, and the handshake will tell which one suits. Of two with
// the same kind of key the first counts. X509_check_host() looks at the CN where there is no DNS name.
bool TlsContext::show_all_for(SSL* connection, const std::string& name, unsigned flags) const {
  bool found = false;
  for (auto context = contexts_.rbegin(); context != contexts_.rend(); ++context) {
    SSL_CTX* const c = context->get();
    X509* const certificate = SSL_CTX_get0_certificate(c);
    if (X509_check_host(certificate, name.data(), name.size(), flags, nullptr) != 1) continue;
    if (!std::exchange(found, true)) SSL_certs_clear(connection);
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(c, &chain);
    SSL_use_cert_and_key(connection, certificate, SSL_CTX_get0_privatekey(c), chain, 1);
  }
  return found;  // where one could not be used, the handshake finds none, and fails
}

TlsDetails TlsContext::details(const SSL* connection) const {
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(connection, &alpn, &alpn_size);
  TlsDetails details{SSL_get_version(connection),
                     text_or_empty(SSL_get_cipher_name(connection)),
                     text_or_empty(SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name)),
                     std::string(reinterpret_cast<const char*>(alpn), alpn_size),
                     {}};
  const X509* const client = SSL_get0_peer_certificate(connection);
  if (client != nullptr && SSL_get_verify_result(connection) == X509_V_OK)
    details.identity = identity_of(client, client_name_);
  return details;
}

std::string channel_binding(SSL* connection, std::string_view type) {
  if (SSL_is_init_finished(connection) != 1) return {};
  ERR_clear_error();
  if (type == "tls-exporter") return exporter(connection);
  if (type == "tls-server-end-point") return server_end_point(connection);
  if (type == "tls-unique") return unique(connection);
  return {};
}

}  // namespace pop3d
