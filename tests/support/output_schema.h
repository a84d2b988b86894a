#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "support/testing.h"

namespace retinaface::testing {

/// doc/output.schema.json.
inline nlohmann::json output_schema() {
  std::ifstream file(sample_folder().parent_path() / "doc" / "output.schema.json");
  return nlohmann::json::parse(file);
}

/// What is wrong with a value by the part of JSON Schema that doc/output.schema.json uses; "" if
/// nothing.
inline std::string schema_fault(const nlohmann::json& schema, const nlohmann::json& value,
                                const std::string& at) {
  const std::string type = schema["type"];
  const bool fits = type == "object"    ? value.is_object()
                    : type == "array"   ? value.is_array()
                    : type == "string"  ? value.is_string()
                    : type == "integer" ? value.is_number_integer()
                                        : value.is_number();
  if (!fits) return at + " is no " + type;
  if (schema.contains("minimum") && value < schema["minimum"]) return at + " is too small";
  if (schema.contains("maximum") && value > schema["maximum"]) return at + " is too large";
  if (type == "array") {
    if (schema.contains("minItems") && value.size() < schema["minItems"])
      return at + " is too short";
    if (schema.contains("maxItems") && value.size() > schema["maxItems"])
      return at + " is too long";
    for (const nlohmann::json& item : value) {
      if (auto text = schema_fault(schema["items"], item, at + "[]"); !text.empty()) return text;
    }
  }
  if (type == "object") {
    for (const nlohmann::json& name : schema["required"]) {
      if (!value.contains(name)) return at + " lacks " + name.get<std::string>();
    }
    for (const auto& [name, part] : value.items()) {
      if (!schema["properties"].contains(name)) return at + " has " + name;
      if (auto text = schema_fault(schema["properties"][name], part, at + "." + name);
          !text.empty()) {
        return text;
      }
    }
  }
  return "";
}

}  // namespace retinaface::testing
