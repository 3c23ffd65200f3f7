#include "tests/unit/vm/exec_fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace sojourn::tests {

namespace {

const std::string kFolder = "tests/unit/vm/";

enum class HostFunction : std::uint32_t { note, add, swap, wait, exit, fail, peek };

struct HostFunctionRow {
    std::string_view name;
    HostFunction function;
    vm::FunctionType type;
};

const std::vector<HostFunctionRow>& host_functions() {
    using enum vm::ValueType;
    static const std::vector<HostFunctionRow> rows{
        {"note", HostFunction::note, {{i32}, {}}},
        {"add", HostFunction::add, {{i32, i32}, {i32}}},
        {"swap", HostFunction::swap, {{i64, i64}, {i64, i64}}},
        {"wait", HostFunction::wait, {{i32}, {i32}}},
        {"exit", HostFunction::exit, {{i32}, {}}},
        {"fail", HostFunction::fail, {{}, {}}},
        {"peek", HostFunction::peek, {{i32}, {i32}}},
    };
    return rows;
}

ByteVector run_wat2wasm(const std::string& source_path, const std::string& result_path) {
    const std::string command =
        "wat2wasm --enable-memory64 --enable-exceptions --enable-tail-call --debug-names " +
        source_path + " -o " + result_path;
    REQUIRE(std::system(command.c_str()) == 0);
    return read_file(result_path).value();
}

}  // namespace

ByteVector assemble_file(const std::string& name) {
    const TemporaryFolder folder;
    return run_wat2wasm(kFolder + name, folder.path() / "module.wasm");
}

ByteVector assemble(std::string_view text) {
    const TemporaryFolder folder;
    const auto source = folder.path() / "module.wat";
    std::ofstream(source) << text;
    return run_wat2wasm(source, folder.path() / "module.wasm");
}

std::optional<vm::HostFunctionId> TestHost::find(std::string_view module, std::string_view name,
                                                 const vm::FunctionType& type,
                                                 vm::ValueType) const {
    if (module != "host") return std::nullopt;
    for (const auto& row : host_functions()) {
        if (row.name == name && row.type == type) {
            return static_cast<vm::HostFunctionId>(row.function);
        }
    }
    return std::nullopt;
}

vm::HostOutcome TestHost::call(const vm::HostCall& call) {
    using Kind = vm::HostOutcome::Kind;
    ++calls;
    switch (static_cast<HostFunction>(call.function)) {
        case HostFunction::note:
            notes.push_back(call.arguments[0]);
            return {};
        case HostFunction::add:
            call.results[0] = static_cast<std::uint32_t>(call.arguments[0] + call.arguments[1]);
            return {};
        case HostFunction::swap:
            call.results[0] = call.arguments[1];
            call.results[1] = call.arguments[0];
            return {};
        case HostFunction::wait:
            if (interruptions > 0) {
                --interruptions;
                return {.kind = Kind::interrupted};
            }
            call.results[0] = call.arguments[0];
            return {};
        case HostFunction::exit:
            return {.kind = Kind::exited,
                    .exit_code = static_cast<std::int32_t>(call.arguments[0])};
        case HostFunction::fail:
            return {.kind = Kind::trapped, .trap = vm::Trap::unreachable};
        case HostFunction::peek:
            call.results[0] = std::to_integer<std::uint64_t>(
                call.memory->base()[static_cast<std::size_t>(call.arguments[0])]);
            return {};
    }
    return {};
}

MachineFixture::MachineFixture(std::uint64_t stack_bytes_max)
    : MachineFixture(vm::MachineOptions{.stack_bytes_max = stack_bytes_max}) {}

MachineFixture::MachineFixture(const vm::MachineOptions& options, vm::CompiledTier* tier)
    : tier_(tier),
      heap_fixture_(heap::choose_mechanism(std::nullopt).value()),
      heap_(heap_fixture_.create()) {
    machine_ = vm::Machine::create(*heap_, host, options, tier_).value();
}

vm::ExternRef MachineFixture::find_export(vm::InstanceIndex instance,
                                          const std::string& name) const {
    const vm::Module& module = machine_->module_of(instance);
    const vm::Export* found = module.find_export(name);
    REQUIRE(found != nullptr);
    return {instance, static_cast<std::uint32_t>(found - module.exports.data())};
}

Result<std::variant<vm::InstanceIndex, vm::Trap>> MachineFixture::instantiate(ByteVector bytes) {
    modules_[sha256_of(bytes)] = bytes;
    const auto module = vm::load_module(std::move(bytes)).value();
    const auto resolver = [this](std::string_view from,
                                 std::string_view name) -> std::optional<vm::ExternRef> {
        const auto found = named_.find(from);
        if (found == named_.end()) return std::nullopt;
        if (machine_->module_of(found->second).find_export(name) == nullptr) return std::nullopt;
        return find_export(found->second, std::string(name));
    };
    return machine_->instantiate(module, resolver);
}

std::variant<vm::InstanceIndex, vm::Trap> MachineFixture::try_add(ByteVector bytes,
                                                                  const std::string& name) {
    const auto added = instantiate(std::move(bytes)).value();
    if (const auto* instance = std::get_if<vm::InstanceIndex>(&added)) {
        last_ = *instance;
        if (!name.empty()) named_[name] = *instance;
        if (const auto start = machine_->module_of(last_).start) {
            machine_->start(last_, *start, {});
            REQUIRE(std::holds_alternative<vm::Finished>(machine_->run()));
        }
    }
    return added;
}

vm::InstanceIndex MachineFixture::add(ByteVector module, const std::string& name) {
    return std::get<vm::InstanceIndex>(try_add(std::move(module), name));
}

void MachineFixture::start(const std::string& function, const std::vector<std::uint64_t>& arguments,
                           std::optional<vm::InstanceIndex> instance) {
    const auto target = instance.value_or(last_);
    const auto& found =
        machine_->module_of(target).exports[find_export(target, function).export_index];
    machine_->start(target, found.index, arguments);
}

std::vector<std::uint64_t> MachineFixture::call(const std::string& function,
                                                const std::vector<std::uint64_t>& arguments) {
    start(function, arguments);
    return std::get<vm::Finished>(machine_->run()).results;
}

std::uint64_t MachineFixture::value_of(const std::string& function,
                                       const std::vector<std::uint64_t>& arguments) {
    const auto results = call(function, arguments);
    REQUIRE(results.size() == 1);
    return results.front();
}

vm::Trapped MachineFixture::trap_of(const std::string& function,
                                    const std::vector<std::uint64_t>& arguments) {
    start(function, arguments);
    return std::get<vm::Trapped>(machine_->run());
}

vm::ModuleSource MachineFixture::module_source() {
    return [this](const Sha256& digest) -> Result<ByteVector> {
        const auto found = modules_.find(digest);
        if (found == modules_.end()) return fail(ErrorCode::not_found, "no module");
        return found->second;
    };
}

void MachineFixture::reincarnate() {
    const ByteVector state = machine_->capture();
    REQUIRE(commit(*heap_, as_text(state)).ok());
    machine_.reset();
    heap_.reset();
    heap_ = heap_fixture_.open();
    machine_ =
        vm::Machine::restore(*heap_, host, heap_->attachment(), module_source(), tier_).value();
}

Result<void> MachineFixture::restore_from(Bytes state) {
    machine_.reset();
    machine_ = TRY(vm::Machine::restore(*heap_, host, state, module_source(), tier_));
    return {};
}

std::pair<vm::Stop, std::uint64_t> MachineFixture::run_reincarnated() {
    for (std::uint64_t times = 0;; ++times) {
        machine_->pause_every(1);
        vm::Stop stop = machine_->run();
        if (!std::holds_alternative<vm::Paused>(stop)) return {std::move(stop), times};
        reincarnate();
    }
}

}  // namespace sojourn::tests
