// C-Raft's header, made fit for C++: its assertions define types inside sizeof, which C++ forbids.
#pragma once

#include <cstdbool>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#define static_assert(...) static_assert(true)
extern "C" {
#include <raft.h>
}
#undef static_assert
