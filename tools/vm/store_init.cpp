#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/quantity.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/store_verbs.hpp"

namespace sojourn::tools {

namespace {

struct InitArguments {
    std::string place;
    std::string unit = "16K";
};

struct InitResult {
    std::unique_ptr<store::Store> store;
    bool is_new = false;
};

Result<std::size_t> parse_unit(const std::string& text) {
    const auto bytes = parse_size(text);
    if (bytes.ok() && store::is_unit_bytes(*bytes)) return static_cast<std::size_t>(*bytes);
    return fail(ErrorCode::invalid_argument, "--unit {}: a unit is 4K, 16K or 64K", text);
}

Result<std::string> place_of(const InitArguments& arguments, const Invocation& invocation) {
    const bool is_given_twice = !arguments.place.empty() && !invocation.store.empty();
    if (is_given_twice && arguments.place != invocation.store) {
        return fail(ErrorCode::invalid_argument, "two places: --store {} and {}; give one",
                    invocation.store, arguments.place);
    }
    if (!arguments.place.empty()) return arguments.place;
    return store_location(invocation);
}

/// What is at `place`: a store, nothing (false), or something that no store can be made of.
Result<bool> is_there(const std::string& place, std::size_t unit_bytes, Random& random) {
    const auto present = store::Store::open(place, {.create = false}, random);
    if (!present.ok() && present.error().code == ErrorCode::not_found) return false;
    if (!present.ok()) return present.error();
    const std::size_t found_bytes = (*present)->unit_bytes();
    if (found_bytes == unit_bytes) return true;
    return fail(ErrorCode::already_exists,
                "the store at {} has units of {}, not of {}, and keeps them: ask for --unit {}, or "
                "make another one elsewhere",
                place, unit_text(found_bytes), unit_text(unit_bytes), unit_text(found_bytes));
}

/// The store at `place`, which is made unless it is there as asked for.
Result<InitResult> init(const std::string& place, const std::string& checkpoint_place,
                        std::size_t unit_bytes, Random& random) {
    InitResult result;
    if (!checkpoint_place.empty()) TRY(is_there(checkpoint_place, unit_bytes, random));
    result.is_new = !TRY(is_there(place, unit_bytes, random));
    result.store = TRY(store::Store::open(
        place, {.create = true, .unit_bytes = unit_bytes, .checkpoint_location = checkpoint_place},
        random));
    const bool is_elsewhere = !std::filesystem::equivalent(result.store->directory(), place);
    if (!is_elsewhere || !checkpoint_place.empty()) return result;
    return fail(ErrorCode::already_exists,
                "the store at {} keeps its checkpoints in {}: ask for --checkpoint-store {}, or "
                "make another one elsewhere",
                place, result.store->directory().native(), result.store->directory().native());
}

Result<int> perform(const InitArguments& arguments, const Invocation& invocation) {
    const std::size_t unit_bytes = TRY(parse_unit(arguments.unit));
    const std::string place = TRY(place_of(arguments, invocation));
    if (place == store::kMemoryLocation) {
        return fail(ErrorCode::invalid_argument,
                    "a store in memory is made by the run that uses it; name a directory");
    }
    const InitResult result =
        TRY(init(place, invocation.checkpoint_store, unit_bytes, invocation.random));
    const std::string directory = std::filesystem::absolute(place).lexically_normal();
    const bool is_elsewhere = !invocation.checkpoint_store.empty();
    const std::string elsewhere = result.store->directory();
    if (invocation.json) {
        Json object = new_json();
        object["store"] = directory;
        object["unit_bytes"] = unit_bytes;
        object["checkpoint_store"] = is_elsewhere ? Json(elsewhere) : Json();
        object["created"] = result.is_new;
        TRY(print_json(object));
    } else {
        TRY(print_line(fmt::format("{}: a {}store with units of {}{}", directory,
                                   result.is_new ? "new " : "", unit_text(unit_bytes),
                                   is_elsewhere ? " and its checkpoints in " + elsewhere : "")));
    }
    return 0;
}

}  // namespace

void add_store_init(CLI::App& verb, Invocation& invocation) {
    CLI::App* init = add_verb(verb, invocation, "init",
                              "Make a store; one that is there as asked for is left as it is");
    auto arguments = std::make_shared<InitArguments>();
    init->add_option("place", arguments->place, "Where, instead of --store")->type_name("DIR");
    init->add_option("--unit", arguments->unit,
                     "How much memory is one value: 4K, 16K (the default) or 64K; for good")
        ->type_name("SIZE");
    add_checkpoint_store_option(*init, invocation);
    give_examples(*init, {{"vm store init", "the usual store, in units of 16 KiB"},
                          {"vm store init --unit 4K /data/store",
                           "elsewhere, for guests that write here and there"}});
    init->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(*arguments, invocation); };
    });
}

}  // namespace sojourn::tools
