#include "runtime/catalog/rows.hpp"

namespace troupe::rows {

parameter_spec need(std::string name, parameter_type kind, std::string description) {
  parameter_spec p;
  p.name = std::move(name);
  p.type = kind;
  p.required = true;
  p.description = std::move(description);
  p.templated = kind != type::expression;
  return p;
}

parameter_spec may(std::string name, parameter_type kind, std::string description) {
  parameter_spec p = need(std::move(name), kind, std::move(description));
  p.required = false;
  return p;
}

parameter_spec may(std::string name, parameter_type kind, std::string description,
                   json::value fallback) {
  parameter_spec p = may(std::move(name), kind, std::move(description));
  p.fallback = share(std::move(fallback));
  return p;
}

parameter_spec one_of(parameter_spec p, std::vector<std::string> words) {
  p.values = std::move(words);
  return p;
}

parameter_spec between(parameter_spec p, double minimum, double maximum) {
  p.minimum = minimum;
  p.maximum = maximum;
  return p;
}

parameter_spec at_least(parameter_spec p, double minimum) {
  p.minimum = minimum;
  return p;
}

parameter_spec literal(parameter_spec p) {
  p.templated = false;
  return p;
}

} // namespace troupe::rows
