// Helpers and parts of the table of built-in node types. Private to this folder.
#pragma once

#include "runtime/catalog/catalog.hpp"

#include <string>
#include <utility>
#include <vector>

namespace troupe::rows {

using type = parameter_type;

/// A parameter that must be there.
parameter_spec need(std::string name, parameter_type kind, std::string description);
/// One that may be absent, without and with a default.
parameter_spec may(std::string name, parameter_type kind, std::string description);
parameter_spec may(std::string name, parameter_type kind, std::string description,
                   json::value fallback);
/// Only these words.
parameter_spec one_of(parameter_spec p, std::vector<std::string> words);
/// Both bounds are allowed values.
parameter_spec between(parameter_spec p, double minimum, double maximum);
parameter_spec at_least(parameter_spec p, double minimum);
/// Must be written out: no `{{ }}`, because compile itself reads it.
parameter_spec literal(parameter_spec p);

void add_flow(std::vector<node_type>& types);
void add_actions(std::vector<node_type>& types);
void add_structure(
    std::vector<node_type>& types); ///< trigger, human, sub-workflow, output, note, skills

} // namespace troupe::rows
