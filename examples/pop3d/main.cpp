// SPDX-License-Identifier: MIT
// pop3d: a POP3 server for Maildirs.
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "../demo.hpp"
#include "hash_password.hpp"
#include "heap.hpp"
#include "options.hpp"
#include "server.hpp"

namespace {

using namespace pop3d;

void use_all_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Reloadable<Users>::Load users_of(const Options& options) {
  return [options] {
    return std::make_shared<const Users>(options.demo() ? Users::one(std::string(demo::user), demo::password)
                                                        : Users::read(options.users));
  };
}

Reloadable<TlsContext>::Load tls_of(const Options& options) {
  if (options.tls.certificates.empty() && !options.demo()) return [] { return nullptr; };
  return [settings = options.tls] { return std::make_shared<const TlsContext>(settings); };
}

void listen(Server& server, const Options& options) {
  std::string plain;
  for (const Listen& where : options.listen)
    for (const std::string& name : server.listen(where)) {
      std::printf("listening %s %s\n", where.tls ? "tls" : "plain", name.c_str());
      if (!where.tls && plain.empty()) plain = name;
    }
  if (options.demo()) {
    const std::string user(demo::user), password(demo::password);
    std::printf("user %s, password %s\n", user.c_str(), password.c_str());
    if (!plain.empty()) std::printf("try: curl pop3://%s:%s@%s/\n", user.c_str(), password.c_str(), plain.c_str());
  }
  std::fflush(stdout);
}

void serve(const Options& options) {
  use_all_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  limit_arenas(options.workers);
  keep_free(1 << 20);
  auto store = options.demo() ? make_demo_store() : make_maildir_store(options.mail, options.utf8);
  Server server(options, users_of(options), std::move(store), tls_of(options));
  listen(server, options);
  server.run();
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse_options(argc, argv);
  if (options.text.empty() && options.hash_password)
    std::printf("%s\n", hash_password(options.scheme, options.user).c_str());
  else if (options.text.empty())
    serve(options);
  else
    std::fputs(options.text.c_str(), stdout);
  return EXIT_SUCCESS;
} catch (const WrongUse& error) {
  std::fprintf(stderr, "pop3d: %s\nTry pop3d --help\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "pop3d: %s\n", error.what());
  return EXIT_FAILURE;
}
