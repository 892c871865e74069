// SPDX-License-Identifier: MIT
// Walks all orders of {line, answer, refusal, late answer, end of input, time-out, shutdown, consume, ...} up to a
// depth, in several scenes, and compares the session with its model after each step:
//
//   explore [--depth N] [--last N] [--scene NAME] [--quick]
//
// A path is played from its start on a session of its own. Paths that lead to the same state of the model are joined,
// so that a graph is walked and not a tree; since a session that does wrong may look right for a while, every
// transition is followed to the end of its session by a polite world (class Polite), compared step by step as well.
// With --last only those paths are joined whose last N steps are the same. Without --quick all pairs of a state and a
// step that the model can come to, at whatever depth, have to be among those that were played.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <unordered_set>
#include <vector>

#include "pair.hpp"

// ---- memory: what the session holds ---------------------------------------------------------------------------------

namespace {

struct alignas(std::max_align_t) Head {
  std::size_t size;
  bool counted;
};

void* allocate(std::size_t size) {
  auto* const head = static_cast<Head*>(std::malloc(sizeof(Head) + size));
  if (head == nullptr) std::abort();
  *head = {size, model::meter.inside};
  if (head->counted) model::meter.now += static_cast<std::int64_t>(size);
  if (model::meter.now > model::meter.most) model::meter.most = model::meter.now;
  return head + 1;
}
void release(void* block) {
  if (block == nullptr) return;
  auto* const head = static_cast<Head*>(block) - 1;
  if (head->counted) model::meter.now -= static_cast<std::int64_t>(head->size);
  std::free(head);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* block) noexcept { release(block); }
void operator delete[](void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }
void operator delete[](void* block, std::size_t) noexcept { release(block); }

namespace {

using namespace model;

struct Visits {
  std::uint64_t count[spot_count][step_count] = {};
  void add(const Visits& others) {
    for (std::size_t s = 0; s < spot_count; ++s)
      for (std::size_t a = 0; a < step_count; ++a) count[s][a] += others.count[s][a];
  }
};

std::uint64_t hash(const std::string& key) {
  std::uint64_t h = 0x9E3779B97F4A7C15U;
  std::size_t i = 0;
  for (; i < key.size(); i += 8) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, key.data() + i, std::min<std::size_t>(8, key.size() - i));
    h = (h ^ octets) * 0xFF51AFD7ED558CCDU;
    h ^= h >> 32;
  }
  return h;
}

// Which pairs there are: the model alone, until it comes to nothing new. Returns the number of its states.
std::size_t find_pairs(const Scene& scene, Visits& visits) {
  std::unordered_set<std::uint64_t> seen;
  Model first(scene.settings);
  for (const Step step : scene.before) first.play(step);
  first.forget_said();
  std::vector<Model> frontier{first};
  seen.insert(hash(first.key()));
  while (!frontier.empty()) {
    std::vector<Model> next;
    for (const Model& from : frontier) {
      for (const Step step : scene.alphabet) {
        if (!from.possible(step, 1)) continue;
        ++visits.count[spot(from.state())][index(step)];
        Model to = from;
        to.play(step);
        to.forget_said();
        if (seen.insert(hash(to.key())).second) next.push_back(std::move(to));
      }
    }
    frontier.swap(next);
  }
  return seen.size();
}

class Explorer {
 public:
  Explorer(const Scene& scene, std::size_t last) : scene_(scene), last_(last) {}

  std::uint64_t states = 0, transitions = 0, steps = 0;
  std::int64_t most_memory = 0;
  Visits visits;

  // False: a difference was found, and told.
  bool walk(unsigned depth) {
    nodes_.assign(1, Node{});
    Model first(scene_.settings);
    for (const Step step : scene_.before) first.play(step);
    seen_.insert(hash(first.key()));
    std::size_t begin = 0;
    for (unsigned level = 0; level < depth && begin < nodes_.size(); ++level) {
      const std::size_t end = nodes_.size();
      for (std::size_t i = begin; i < end; ++i)
        if (!expand(i)) return false;
      begin = end;
    }
    states = nodes_.size();
    return true;
  }

 private:
  struct Node {
    std::uint32_t parent = 0;
    Step step = Step::begin;
  };

  bool expand(std::size_t node) {
    path_.clear();
    for (std::size_t i = node; i > 0; i = nodes_[i].parent) path_.push_back(nodes_[i].step);
    path_.insert(path_.end(), scene_.before.rbegin(), scene_.before.rend());
    std::reverse(path_.begin(), path_.end());
    Model here(scene_.settings);
    for (const Step step : path_) here.play(step);
    for (const Step step : scene_.alphabet) {
      if (!here.possible(step, 1)) continue;
      ++visits.count[spot(here.state())][index(step)];
      if (!go(node, step)) return false;
    }
    return true;
  }

  bool go(std::size_t node, Step step) {
    ++transitions;
    Pair pair(scene_);
    for (const Step before : path_) pair.follow(before);
    if (!pair.play(step)) return tell(pair, step, {});
    if (seen_.insert(hash(pair.model().key() + last_steps(step))).second)
      nodes_.push_back({static_cast<std::uint32_t>(node), step});
    std::vector<Step> after;
    Polite polite;
    while (pair.model().state().place != Place::over && after.size() < 40) {
      after.push_back(polite.next(pair.model()));
      if (!pair.play(after.back())) return tell(pair, step, after);
    }
    if (pair.model().state().place != Place::over) pair.difference = "the session does not end";
    pair.end();
    steps += 1 + after.size();
    if (meter.most > most_memory) most_memory = meter.most;
    return pair.difference.empty() || tell(pair, step, after);
  }

  std::string last_steps(Step step) const {
    std::string last(last_ > 0 ? 1 : 0, static_cast<char>(step));
    for (std::size_t i = path_.size(); i > 0 && last.size() < last_; --i) last += static_cast<char>(path_[i - 1]);
    return last;
  }

  bool tell(const Pair& pair, Step step, const std::vector<Step>& after) {
    std::printf("DIFFERENCE in \"%s\": %s\n ", scene_.settings.name, visible(pair.difference).c_str());
    for (const Step before : path_) std::printf(" %s", name(before));
    std::printf(" %s", name(step));
    for (const Step then : after) std::printf(" %s", name(then));
    std::printf("\n");
    return false;
  }
  static std::string visible(const std::string& text) {
    std::string shown;
    for (const char c : text) shown += c == '\r' ? "\\r" : c == '\n' ? "\\n" : c == '\0' ? "\"" : std::string(1, c);
    return shown;
  }

  const Scene& scene_;
  const std::size_t last_;
  std::vector<Node> nodes_;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<Step> path_;
};

struct Options {
  unsigned depth = 5, last = 0;
  std::string scene;
  bool quick = false, good = true;
};
Options read(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (word == "--quick") {
      options.quick = true;
      continue;
    }
    ++i;
    if (value == nullptr)
      options.good = false;
    else if (word == "--depth")
      options.depth = static_cast<unsigned>(std::atoi(value));
    else if (word == "--last")
      options.last = static_cast<unsigned>(std::atoi(value));
    else if (word == "--scene")
      options.scene = value;
#ifdef TESTS_MODEL_FAULT_HPP
    else if (word == "--fault")
      mailwire_fault = std::atoi(value);
#endif
    else
      options.good = false;
  }
  return options;
}

// False: some were missed.
bool tell_pairs(const Visits& there, const Visits& visited) {
  std::size_t pairs = 0, missed = 0;
  for (std::size_t s = 0; s < spot_count; ++s) {
    for (std::size_t a = 0; a < step_count; ++a) {
      if (there.count[s][a] == 0) continue;
      ++pairs;
      if (visited.count[s][a] > 0) continue;
      ++missed;
      std::printf("not visited: %s in %s\n", name(static_cast<Step>(a)), spot_name(s));
    }
  }
  std::printf("%zu of %zu pairs of a state and what can happen in it were visited\n", pairs - missed, pairs);
  return missed == 0;
}

using Count = unsigned long long;  // for printf

}  // namespace

int main(int argc, char** argv) {
  const Options options = read(argc, argv);
  if (!options.good) {
    std::fprintf(stderr, "explore [--depth N] [--last N] [--scene NAME] [--quick]\n");
    return 2;
  }
  static Visits visited, there;
  Count states = 0, transitions = 0, steps = 0;
  std::int64_t memory = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (const Scene& scene : scenes()) {
    if (!options.scene.empty() && options.scene != scene.settings.name) continue;
    const double before = seconds();
    Explorer explorer(scene, options.last);
    if (!explorer.walk(options.depth)) return 1;
    std::printf("%-22s %8llu states, %9llu transitions, %5.1f s\n", scene.settings.name, Count{explorer.states},
                Count{explorer.transitions}, seconds() - before);
    states += explorer.states;
    transitions += explorer.transitions;
    steps += explorer.steps;
    if (explorer.most_memory > memory) memory = explorer.most_memory;
    visited.add(explorer.visits);
  }
  const double took = seconds();
  std::printf(
      "depth %u: %llu states, %llu transitions, %llu steps compared in %.1f s: %.0f states, %.0f steps a second\n",
      options.depth, states, transitions, steps, took, static_cast<double>(states) / took,
      static_cast<double>(steps) / took);
  std::printf("a session has held %lld octets at most\n", static_cast<long long>(memory));
  if (options.quick) return 0;
  std::size_t in_model = 0;
  for (const Scene& scene : scenes())
    if (options.scene.empty() || options.scene == scene.settings.name) in_model += find_pairs(scene, there);
  std::printf("the model has %zu states in all\n", in_model);
  return tell_pairs(there, visited) ? 0 : 1;
}
