// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include "run.hpp"

int main(int argc, char** argv) {
  const load::Options options = load::parse_options(argc, argv);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  load::make_run(options)->run();
}
