// SPDX-License-Identifier: MIT
#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

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

TlsContext make_context() {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  need(context != nullptr, "TLS");
  SSL_CTX* const c = context.get();
  need(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1, "TLS version");
  need(SSL_CTX_set_cipher_list(c,
                               "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                               "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                               "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305") == 1,
       "TLS ciphers");
  need(SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384") == 1, "TLS groups");
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A write that could not be finished is tried again with the same octets, from wherever they lie by then. An idle
  // connection gives its buffers back.
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // tickets keep what sessions need
  return context;
}

struct Free {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
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

}  // namespace

TlsContext make_tls(const std::string& certificate, const std::string& key) {
  TlsContext context = make_context();
  SSL_CTX* const c = context.get();
  SSL_CTX_set_default_passwd_cb(c, [](char*, int, int, void*) { return 0; });  // a server asks nobody
  if (SSL_CTX_use_certificate_chain_file(c, certificate.c_str()) != 1) fail(certificate);
  if (SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_PEM) != 1) fail(key);
  if (SSL_CTX_check_private_key(c) != 1) fail(key + " is not the key of " + certificate);
  return context;
}

TlsContext make_demo_tls(const std::string& hostname) {
  TlsContext context = make_context();
  const Key key(EVP_EC_gen("P-256"));
  need(key != nullptr, "key");
  const Certificate certificate = sign_own(key.get(), hostname);
  need(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
           SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1,
       "certificate");
  return context;
}

}  // namespace pop3d
