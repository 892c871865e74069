// SPDX-License-Identifier: MIT
// Walks all orders of {line, answer, refusal, late answer, end of input, time-out, shutdown, consume, ...} up to a
// depth, in several scenes, and compares the session with its model after each step:
//
//   explore [--depth N] [--scene NAME] [--quick]
//
// A path is played from its start on a session of its own. Paths that lead to the same state of the model are joined,
// so that a graph is walked and not a tree; since a session that does wrong may look right for a while, every
// transition is followed to the end of its session by a polite world (class Polite), compared step by step as well.
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

// Which pairs there are: the model alone, as far as it goes.
std::size_t find_pairs(const Scene& scene, std::size_t most_states, Visits& visits) {
  std::unordered_set<std::uint64_t> seen;
  Model first(scene.settings);
  for (const Step step : scene.before) first.play(step);
  first.forget_said();
  std::vector<Model> frontier{first};
  seen.insert(hash(first.key()));
  while (!frontier.empty() && seen.size() < most_states) {
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
  explicit Explorer(const Scene& scene) : scene_(scene) {}

  std::uint64_t states = 0, transitions = 0;
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
    if (seen_.insert(hash(pair.model().key())).second) nodes_.push_back({static_cast<std::uint32_t>(node), step});
    std::vector<Step> after;
    Polite polite;
    while (pair.model().state().place != Place::over && after.size() < 40) {
      after.push_back(polite.next(pair.model()));
      if (!pair.play(after.back())) return tell(pair, step, after);
    }
    if (pair.model().state().place != Place::over) pair.difference = "the session does not end";
    pair.end();
    return pair.difference.empty() || tell(pair, step, after);
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
  std::vector<Node> nodes_;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<Step> path_;
};

}  // namespace

int main(int argc, char** argv) {
  unsigned depth = 5;
  std::string only;
  bool quick = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--quick")
      quick = true;
    else if (word == "--depth" && i + 1 < argc)
      depth = static_cast<unsigned>(std::atoi(argv[++i]));
    else if (word == "--scene" && i + 1 < argc)
      only = argv[++i];
#ifdef TESTS_MODEL_FAULT_HPP
    else if (word == "--fault" && i + 1 < argc)
      mailwire_fault = std::atoi(argv[++i]);
#endif
    else
      return std::fprintf(stderr, "explore [--depth N] [--scene NAME] [--quick]\n"), 2;
  }
  static Visits visited, there;
  std::uint64_t states = 0, transitions = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (const Scene& scene : scenes()) {
    if (!only.empty() && only != scene.settings.name) continue;
    const double before = seconds();
    Explorer explorer(scene);
    if (!explorer.walk(depth)) return 1;
    states += explorer.states;
    transitions += explorer.transitions;
    const double took = seconds() - before;
    std::printf("%-22s depth %u, %8llu states, %9llu transitions, %5.1f s\n", scene.settings.name, depth,
                static_cast<unsigned long long>(explorer.states), static_cast<unsigned long long>(explorer.transitions),
                took);
    if (quick) continue;
    const std::size_t in_model = find_pairs(scene, 1'000'000, there);
    std::printf("   model %zu states, %.1f s\n", in_model, seconds() - before - took);
    for (std::size_t s = 0; s < spot_count; ++s)
      for (std::size_t a = 0; a < step_count; ++a) visited.count[s][a] += explorer.visits.count[s][a];
  }
  std::printf("%llu states, %llu transitions in %.1f s: %.0f transitions, %.0f states a second\n",
              static_cast<unsigned long long>(states), static_cast<unsigned long long>(transitions), seconds(),
              static_cast<double>(transitions) / seconds(), static_cast<double>(states) / seconds());
  if (quick) return 0;
  std::size_t pairs = 0, missed = 0;
  for (std::size_t s = 0; s < spot_count; ++s)
    for (std::size_t a = 0; a < step_count; ++a) {
      if (there.count[s][a] == 0) continue;
      ++pairs;
      if (visited.count[s][a] > 0) continue;
      ++missed;
      std::printf("not visited: %s in %s\n", name(static_cast<Step>(a)), spot_name(s));
    }
  std::printf("%zu of %zu pairs of a state and what may happen in it were visited\n", pairs - missed, pairs);
  return missed > 0 ? 1 : 0;
}
