// SPDX-License-Identifier: MIT
#include "board.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

// From board.ld.
extern "C" {
extern std::uint32_t data_begin[], data_end[], data_in_flash[], bss_begin[], bss_end[];
extern char heap_begin[], heap_end[];
extern std::uint32_t stack_bottom[], stack_top[];
extern void (*const init_begin[])();
extern void (*const init_end[])();
}
int main();

namespace {

volatile std::uint32_t& device(std::uintptr_t address) {
  return *reinterpret_cast<volatile std::uint32_t*>(address);  // NOLINT: that is where the device is
}

// USART1; QEMU needs neither its clock nor its pins set up.
constexpr std::uintptr_t usart = 0x4001'1000, status = usart, data = usart + 4, control = usart + 12;
constexpr std::uint32_t has_octet = 1U << 5U, has_room = 1U << 7U, enabled = (1U << 13U) | (1U << 3U) | (1U << 2U);

// The system timer, at 168 MHz.
constexpr std::uintptr_t timer_control = 0xE000'E010, timer_reload = 0xE000'E014, timer_value = 0xE000'E018;
constexpr std::uint32_t ticks_a_millisecond = 168'000;

volatile std::uint32_t milliseconds = 0;

// Semihosting: the number of a service and its argument, for the debugger behind this breakpoint.
enum class Service : std::uint32_t { write_text = 0x04, exit = 0x20 };
std::uint32_t ask_debugger(Service service, const void* argument) {
  register auto r0 asm("r0") = static_cast<std::uint32_t>(service);
  register auto r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
void say(const char* text) { ask_debugger(Service::write_text, text); }

constexpr std::uint32_t unused = 0xDEAD'BEEF;  // what the stack is painted with

board::Heap used;

// Each block remembers its size in front, so that delete can count.
struct alignas(std::max_align_t) Head {
  std::size_t size;
};

void* allocate(std::size_t size) {
  auto* const head = static_cast<Head*>(std::malloc(sizeof(Head) + size));
  if (head == nullptr) {
    say("the heap is full\n");
    board::stop(false);
  }
  head->size = size;
  used.live += size;
  if (used.most < used.live) used.most = used.live;
  ++used.allocations;
  return head + 1;
}

void release(void* octets) noexcept {
  if (octets == nullptr) return;
  Head* const head = static_cast<Head*>(octets) - 1;
  used.live -= head->size;
  std::free(head);
}

void start_devices() {
  device(control) = enabled;
  device(timer_reload) = ticks_a_millisecond - 1;
  device(timer_value) = 0;
  device(timer_control) = 7;  // runs, interrupts, counts the processor's clock
}

}  // namespace

// Where the processor begins, with the stack alone.
extern "C" [[noreturn]] void reset() {
  for (std::uint32_t *to = data_begin, *from = data_in_flash; to != data_end;) *to++ = *from++;
  for (std::uint32_t* to = bss_begin; to != bss_end;) *to++ = 0;
  const auto* const here = static_cast<const std::uint32_t*>(__builtin_frame_address(0)) - 16;
  for (volatile std::uint32_t* to = stack_bottom; to < here; ++to) *to = unused;
  for (auto* init = init_begin; init != init_end; ++init) (*init)();
  start_devices();
  board::stop(main() == 0);
}

namespace {

[[noreturn]] void fault() {
  say("a fault\n");
  board::stop(false);
}
void tick() { milliseconds = milliseconds + 1; }

// The first words of the flash: the stack, then what the processor calls.
struct Vectors {
  std::uint32_t* stack;
  void (*handlers[15])();
};
[[gnu::section(".vectors"), gnu::used]] const Vectors vectors = {
    stack_top,
    {reset, fault, fault, fault, fault, fault, nullptr, nullptr, nullptr, nullptr, fault, fault, nullptr, fault, tick}};

}  // namespace

namespace board {

bool receive(char& octet) {
  if ((device(status) & has_octet) == 0) return false;
  octet = static_cast<char>(device(data));
  return true;
}
void send(std::string_view octets) {
  for (const char octet : octets) {
    while ((device(status) & has_room) == 0) {
    }
    device(data) = static_cast<unsigned char>(octet);
  }
}
void sleep() { asm volatile("wfi"); }

TimePoint now() { return TimePoint(std::chrono::milliseconds(milliseconds)); }

Heap heap() { return used; }
void reserve_heap(std::size_t octets) {
  void* volatile block = std::malloc(octets);  // volatile: or the compiler leaves both calls out
  std::free(block);
}
std::size_t most_stack() {
  const std::uint32_t* word = stack_bottom;
  while (word != stack_top && *word == unused) ++word;
  return static_cast<std::size_t>(stack_top - word) * sizeof(*word);
}

void report(const char* what, std::size_t number) {
  char digits[12];
  char* first = digits + sizeof(digits);
  *--first = '\0';
  *--first = '\n';
  do *--first = static_cast<char>('0' + number % 10);
  while ((number /= 10) > 0);
  say(what);
  say(" ");
  say(first);
}

void stop(bool success) {
  constexpr std::uint32_t application_exit = 0x2'0026;
  const std::uint32_t argument[] = {application_exit, success ? 0U : 1U};
  ask_debugger(Service::exit, argument);
  for (;;) sleep();
}

}  // namespace board

// ---- what the C and C++ libraries want of a system ------------------------------------------------------------------
extern "C" {
// malloc's only source of memory.
void* _sbrk(std::ptrdiff_t octets) {
  char* const end = heap_begin + used.size;
  if (octets > heap_end - end) return reinterpret_cast<void*>(-1);  // NOLINT: that is how it says no
  used.size += static_cast<std::size_t>(octets);
  return end;
}
[[noreturn]] void abort() {
  say("abort\n");
  board::stop(false);
}
}

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* octets) noexcept { release(octets); }
void operator delete[](void* octets) noexcept { release(octets); }
void operator delete(void* octets, std::size_t) noexcept { release(octets); }
void operator delete[](void* octets, std::size_t) noexcept { release(octets); }

// libstdc++ would throw here, and its own versions bring all of the machinery for that into the image.
namespace std {
void __throw_length_error(const char*) { abort(); }           // NOLINT: its name
void __throw_logic_error(const char*) { abort(); }            // NOLINT
void __throw_bad_alloc() { abort(); }                         // NOLINT
void __throw_bad_array_new_length() { abort(); }              // NOLINT
void __throw_out_of_range_fmt(const char*, ...) { abort(); }  // NOLINT
}  // namespace std
