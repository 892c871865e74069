// SPDX-License-Identifier: MIT
// What the processes of a server have used, read from /proc.
#ifndef LOAD_PROCESS_HPP
#define LOAD_PROCESS_HPP

#include <vector>

namespace load {

struct Usage {
  double user = 0, system = 0;  // CPU seconds, those of children that have ended included
  double rss = 0, pss = 0;      // octets
  long processes = 0;

  double cpu() const { return user + system; }
};

enum class With { cpu, cpu_and_memory };

// Of these processes and all that descend from them.
Usage usage_of(const std::vector<int>& processes, With what);

}  // namespace load

#endif
