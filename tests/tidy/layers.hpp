// What each folder may include, as data: the arrows of the architecture.
#pragma once

#include <array>
#include <string_view>

namespace troupe::tidy {

/// The longest `folder` that begins a file's path is its rule. A folder with C++ and no rule is an
/// error. `ours` and `foreign` are prefixes, separated by spaces; the own folder is always allowed,
/// and so is the standard library.
struct layer_rule {
  std::string_view folder;
  std::string_view ours;
  std::string_view foreign;
};

inline constexpr std::array layer_rules{
    layer_rule{"runtime/base", "", "boost/json"},
    layer_rule{"runtime/expr", "runtime/base", "boost/json"},
    layer_rule{"runtime/policy", "runtime/base", "boost/json"},
    layer_rule{"runtime/schedule", "runtime/base", "boost/json cctz/"},
    layer_rule{"runtime/catalog", "runtime/base runtime/expr runtime/schedule", "boost/json"},
    layer_rule{"runtime/workflow",
               "runtime/base runtime/expr runtime/policy runtime/schedule runtime/catalog",
               "boost/json"},
    layer_rule{"runtime/engine",
               "runtime/base runtime/expr runtime/policy runtime/schedule runtime/catalog "
               "runtime/workflow",
               "boost/json"},
    layer_rule{"persistence/store", "runtime/base", "openssl/ boost/json"},
    layer_rule{"persistence/rocks", "persistence/store runtime/base",
               "rocksdb/ openssl/ boost/json"},
    layer_rule{"persistence/views", "persistence/store runtime/base", "sqlite3.h boost/json"},
    layer_rule{"persistence/audit", "persistence/store runtime/base runtime/engine",
               "openssl/ boost/json"},
    layer_rule{"persistence/consensus", "persistence/store runtime/base", "raft"},
    layer_rule{"net/http", "runtime/base", "boost/ openssl/ zlib.h"},
    layer_rule{"net/client", "runtime/base runtime/policy", "curl/ zlib.h"},
    layer_rule{"net/rest", "runtime net/http net/client", "boost/json zlib.h valijson/"},
    layer_rule{"net/provider", "runtime net/client net/http", "boost/json yaml-cpp/ valijson/"},
    layer_rule{"net/cluster", "runtime/base", "caf/ openssl/"},
    layer_rule{"actors/api", "runtime persistence/store", "caf/ boost/json"},
    layer_rule{"actors/base", "actors/api runtime persistence/store", "caf/ boost/json"},
    layer_rule{"actors/engine", "actors runtime persistence net", "caf/ boost/json"},
    layer_rule{"actors", "actors/api actors/base runtime persistence net", "caf/ boost/json"},
    layer_rule{"node-config", "runtime persistence net actors",
               "spdlog/ toml++/ CLI/ prometheus/ sodium boost/ caf/ openssl/ curl/ cctz/"},
    layer_rule{"deploy", "", ""},
    layer_rule{"tests", "runtime persistence net actors node-config",
               "gtest/ gmock/ rapidcheck boost/ caf/ rocksdb/ sqlite3.h curl/ openssl/ zlib.h "
               "yaml-cpp/ cctz/ valijson/"},
};

/// One file that may include more than its folder.
struct file_allowance {
  std::string_view file;
  std::string_view foreign;
};

inline constexpr std::array file_allowances{
    file_allowance{"runtime/expr/pattern.cpp", "re2/"},
};

/// A word that does not belong, where, and what to write instead.
struct banned_word {
  std::string_view word;
  std::string_view folders; ///< prefixes, separated by spaces; empty: everywhere but tests
  std::string_view instead;
};

inline constexpr std::array banned_words{
    banned_word{"std::regex", "",
                "runtime/expr/pattern.hpp: std::regex recurses and backtracks on user input"},
    banned_word{"std::rand", "", "runtime/base/prng, seeded by a fact"},
    banned_word{"srand(", "", "runtime/base/prng, seeded by a fact"},
    banned_word{"strtok", "", "std::string_view and find"},
    banned_word{"sprintf", "", "std::to_chars, or std::string's operator+"},
    banned_word{"atoi(", "", "std::from_chars"},
    banned_word{"setlocale", "", "nothing: the product has no locale"},
    banned_word{"std::cout", "runtime persistence net actors", "runtime/base/log"},
    banned_word{"std::cerr", "runtime persistence net actors", "runtime/base/log"},
    banned_word{"printf(", "runtime persistence net actors", "runtime/base/log"},
    banned_word{"system_clock", "runtime", "an instant that arrives as a fact"},
    banned_word{"steady_clock", "runtime", "an instant that arrives as a fact"},
    banned_word{"random_device", "runtime", "runtime/base/prng, seeded by a fact"},
    banned_word{"std::thread", "runtime", "nothing: the core has no threads"},
    banned_word{"std::mutex", "runtime", "nothing: the core has no threads"},
    banned_word{"std::async", "", "an actor, or a thread that node-config owns"},
    banned_word{"throw ", "", "return a failure (runtime/base/result.hpp)"},
    banned_word{"using namespace std;", "", "the names you use"},
    banned_word{"using namespace caf", "", "caf:: (it takes the name net)"},
    banned_word{"boost::json::parse",
                "runtime/engine runtime/workflow persistence net actors "
                "node-config",
                "json::parse of runtime/base/json.hpp, which round-trips numbers"},
    banned_word{"boost::json::serialize",
                "runtime/engine runtime/workflow persistence net actors "
                "node-config",
                "json::write of runtime/base/json.hpp, which round-trips numbers"},
    banned_word{"assert(", "", "check() of runtime/base/invariant.hpp, on in every build"},
};

inline constexpr std::size_t columns_max = 100;
inline constexpr std::size_t lines_max = 400;

} // namespace troupe::tidy
