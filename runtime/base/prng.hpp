// A small deterministic random generator (SplitMix64, Steele et al. 2014): seeds come in as facts.
#pragma once

#include <cstdint>

namespace troupe {

class prng {
public:
  explicit constexpr prng(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, bound); bound > 0. The bias below 2^-32 does not matter for back-off.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

  /// Uniform in [0, 1).
  constexpr double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

private:
  std::uint64_t state_;
};

} // namespace troupe
