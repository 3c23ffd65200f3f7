#include "process/internal/code_json.hpp"

#include <algorithm>
#include <array>

#include "process/internal/json_line.hpp"

namespace sojourn::process {

namespace {

using nlohmann::json;
using Tier = vm::CodeState::Tier;

constexpr std::array kTiers{Tier::compiled, Tier::waiting, Tier::interpreted};

/// By the place of its module among those that are listed.
json object_of(const vm::CodeState& state, json& modules) {
    const std::string digest = state.module.hex();
    auto module = std::ranges::find(modules, json(digest));
    if (module == modules.end()) {
        modules.push_back(digest);
        module = std::prev(modules.end());
    }
    json object{{"module", module - modules.begin()},
                {"function", state.function_index},
                {"tier", vm::text_of(state.tier)}};
    if (state.loop_offset != 0) object["loop"] = state.loop_offset;
    return object;
}

Error no_state() {
    return fail(ErrorCode::corrupt, "the runner's answer does not say how its code is run");
}

Result<vm::CodeState> state_in(const json& object, const std::vector<Sha256>& modules) {
    if (!object.is_object()) return no_state();
    const std::uint64_t module = number_in(object, "module");
    const std::string name = text_in(object, "tier");
    const auto tier = std::ranges::find(kTiers, name, [](Tier one) { return vm::text_of(one); });
    if (module >= modules.size() || tier == kTiers.end()) return no_state();
    return vm::CodeState{modules[module], static_cast<std::uint32_t>(number_in(object, "function")),
                         static_cast<std::uint32_t>(number_in(object, "loop")), *tier};
}

/// Empty where there is none.
json list_in(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : json::array();
}

}  // namespace

json object_of(const CodeUse& code) {
    json modules = json::array();
    json states = json::array();
    for (const vm::CodeState& state : code.states)
        states.push_back(object_of(state, modules));
    return {{"engine", vm::text_of(code.engine)},
            {"functions", code.functions},
            {"modules", std::move(modules)},
            {"states", std::move(states)}};
}

Result<CodeUse> code_in(const json& object) {
    CodeUse code;
    code.engine = TRY(vm::parse_engine(text_in(object, "engine")));
    if (const auto counts = object.find("functions"); counts != object.end()) {
        for (const auto& [name, count] : counts->items()) {
            if (count.is_number_unsigned()) code.functions[name] = count.get<std::uint64_t>();
        }
    }
    std::vector<Sha256> modules;
    for (const json& module : list_in(object, "modules")) {
        Sha256& digest = modules.emplace_back();
        if (!module.is_string() || !from_hex(module.get<std::string>(), digest.bytes))
            return no_state();
    }
    for (const json& state : list_in(object, "states"))
        code.states.push_back(TRY(state_in(state, modules)));
    return code;
}

}  // namespace sojourn::process
