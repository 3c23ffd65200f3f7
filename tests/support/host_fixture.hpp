#pragma once

#include <map>
#include <unistd.h>

#include "leases/file_history.hpp"
#include "tests/support/lease_fixture.hpp"
#include "vm/host/dispatcher.hpp"

namespace sojourn::test {

/// A guest's memory that is a plain buffer.
class BufferRegion final : public heap::Region {
public:
    static constexpr std::uint64_t kBytes = 4 * 65'536;

    BufferRegion() : BufferRegion(std::vector<std::byte>(kBytes)) {}

    Result<void> grow(std::uint64_t) override { return fail(ErrorCode::unsupported, "fixed"); }
    Result<void> hold(std::uint64_t offset, std::uint64_t length, Access) override {
        EXPECTS(length <= 65'536, "a piece is pinned at a time");
        EXPECTS(offset <= kBytes && length <= kBytes - offset, "the caller checks addresses");
        return {};
    }
    void let_loose(std::uint64_t, std::uint64_t) override {}

    template <typename T>
    void put(std::uint64_t address, const T& value) {
        std::memcpy(bytes_.data() + address, &value, sizeof(T));
    }
    void put_text(std::uint64_t address, std::string_view text) {
        std::memcpy(bytes_.data() + address, text.data(), text.size());
    }
    template <typename T>
    [[nodiscard]] T get(std::uint64_t address) const {
        T value;
        std::memcpy(&value, bytes_.data() + address, sizeof(T));
        return value;
    }
    [[nodiscard]] std::string get_text(std::uint64_t address, std::size_t length) const {
        return std::string(as_text(Bytes(bytes_).subspan(address, length)));
    }

private:
    explicit BufferRegion(std::vector<std::byte> bytes)
        : Region(heap::RegionId{1}, heap::RegionKind::memory, bytes.data(), kBytes, kBytes),
          bytes_(std::move(bytes)) {}

    std::vector<std::byte> bytes_;
};

/// A supervisor that a test plays: it sees what is asked, and says how that ended.
struct ManualSupervisor final : vm::Supervisor {
    leases::Interrupt& interrupt;
    std::optional<Error> refuses;
    int requests = 0;
    std::optional<Result<CheckpointEnd>> end;

    explicit ManualSupervisor(leases::Interrupt& interrupt_) : interrupt(interrupt_) {}

    Result<void> request_checkpoint() override {
        if (refuses) return *refuses;
        ++requests;
        interrupt.raise();
        return {};
    }
    std::optional<Result<CheckpointEnd>> take_checkpoint_end() override {
        return std::exchange(end, std::nullopt);
    }
    std::uint64_t generation() const override { return 7; }
};

/// A guest by hand: it calls functions of wasi_snapshot_preview1 by name, with what it likes as
/// arguments. Standard streams are pipes.
class GuestFixture : public HostFixture {
public:
    TemporaryFolder folder, history_folder;
    std::unique_ptr<leases::FileHistory> files =
        *leases::FileHistory::open(history_folder.path() / "files");
    BufferRegion memory;
    UniqueFd input, input_far, output, output_far;
    vm::Launch launch{.arguments = {"program", "first argument"},
                      .environment = {"KEY=value"},
                      .directories = {{.host_path = folder.name(), .guest_path = "/data"}}};
    ManualSupervisor supervisor{*interrupt};
    std::unique_ptr<leases::LeaseManager> leases;
    std::unique_ptr<vm::Dispatcher> dispatcher;

    static constexpr std::uint32_t kGrant = 3;      ///< the preopened directory
    static constexpr std::uint64_t kPath = 1024;    ///< where path() puts names
    static constexpr std::uint64_t kResult = 2048;  ///< where results go
    static constexpr std::uint64_t kIovecs = 3072;  ///< where iovec() puts them
    static constexpr std::uint64_t kBuffer = 4096;
    static constexpr std::uint64_t kAllRights = (1U << 28U) - 1;
    static constexpr std::uint64_t kRead = 1U << 1U;
    static constexpr std::uint64_t kWrite = 1U << 6U;

    GuestFixture() {
        make_pipe(input, input_far);
        make_pipe(output_far, output);
        host.streams = {input.get(), output.get(), output.get()};
        host.files = files.get();
        start();
    }

    void start() {
        leases = std::make_unique<leases::LeaseManager>(host, store::Epoch{1});
        dispatcher = *vm::Dispatcher::create(*leases, launch, supervisor);
    }

    struct Checkpoint {
        ByteVector leases;
        ByteVector calls;
        leases::HistoryPosition files;
    };
    Checkpoint checkpoint() { return {*leases->capture(), dispatcher->capture(), *files->mark()}; }
    /// Forgets everything and goes on from what was saved.
    void resume(const Checkpoint& saved) {
        dispatcher.reset();
        leases = *leases::LeaseManager::restore(saved.leases, host, store::Epoch{2});
        const auto brought_back = [](const leases::Place&) { return leases::Reach::brought_back; };
        EXPECTS(files->roll_back(saved.files, brought_back).ok(), "the files are ours alone");
        leases->reestablish_all();
        dispatcher = *vm::Dispatcher::restore(*leases, saved.calls, supervisor);
    }
    void reincarnate() { resume(checkpoint()); }

    vm::HostOutcome call_for_outcome(std::string_view name,
                                     const std::vector<std::uint64_t>& arguments) {
        const auto function = find(name, arguments.size());
        return dispatcher->call({.function = function,
                                 .memory = &memory,
                                 .arguments = arguments,
                                 .results = {&errno_slot, 1}});
    }

    leases::Errno call(std::string_view name, const std::vector<std::uint64_t>& arguments) {
        const auto outcome = call_for_outcome(name, arguments);
        EXPECTS(outcome.kind == vm::HostOutcome::Kind::done, "this call was to return");
        return static_cast<leases::Errno>(errno_slot);
    }

    /// The arguments of a name: its address and length.
    std::uint64_t path(std::string_view name, std::uint64_t address = kPath) {
        memory.put_text(address, name);
        return address;
    }

    leases::Errno open(std::string_view name, std::uint32_t how, std::uint64_t rights,
                       std::uint32_t flags = 0) {
        return call("path_open",
                    {kGrant, 1, path(name), name.size(), how, rights, kAllRights, flags, kResult});
    }
    std::uint32_t opened(std::string_view name, std::uint32_t how, std::uint64_t rights,
                         std::uint32_t flags = 0) {
        EXPECTS(open(name, how, rights, flags) == leases::Errno::success, "the name opens");
        return memory.get<std::uint32_t>(kResult);
    }

    void iovec(std::uint32_t index, std::uint32_t address, std::uint32_t length) {
        memory.put(kIovecs + index * 8, address);
        memory.put(kIovecs + index * 8 + 4, length);
    }
    leases::Errno write(std::uint32_t fd, std::string_view text) {
        memory.put_text(kBuffer, text);
        iovec(0, kBuffer, static_cast<std::uint32_t>(text.size()));
        return call("fd_write", {fd, kIovecs, 1, kResult});
    }
    std::string read(std::uint32_t fd, std::uint32_t length = 100) {
        iovec(0, kBuffer, length);
        EXPECTS(call("fd_read", {fd, kIovecs, 1, kResult}) == leases::Errno::success, "it reads");
        return memory.get_text(kBuffer, memory.get<std::uint32_t>(kResult));
    }

private:
    static void make_pipe(UniqueFd& reader, UniqueFd& writer) {
        int ends[2];
        EXPECTS(::pipe(ends) == 0, "there are pipes");
        reader = UniqueFd(ends[0]);
        writer = UniqueFd(ends[1]);
    }

    /// By trying the types of its arguments: the fixture's callers name no types.
    vm::HostFunctionId find(std::string_view name, std::size_t count) const {
        for (std::uint32_t wide = 0; wide < 1U << count; ++wide) {
            vm::FunctionType type;
            for (std::size_t i = 0; i < count; ++i)
                type.parameters.push_back((wide >> i & 1U) != 0 ? vm::ValueType::i64
                                                                : vm::ValueType::i32);
            if (name != "proc_exit") type.results = {vm::ValueType::i32};
            if (auto found = dispatcher->find("wasi_snapshot_preview1", name, type)) return *found;
        }
        EXPECTS(false, "the function exists");
        return {};
    }

    std::uint64_t errno_slot = 0;
};

}  // namespace sojourn::test
