#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "leases/manager.hpp"
#include "leases/place.hpp"
#include "leases/volume/volume.hpp"
#include "vm/host_calls.hpp"
#include "vm/supervisor.hpp"

namespace sojourn::vm {

struct DirectoryGrant {
    std::string host_path;   ///< absolute
    std::string guest_path;  ///< the name of the preopened directory
    bool read_only = false;
    leases::OnResume on_resume = leases::OnResume::rollback;
};

struct VolumeGrant {
    std::string name;  ///< leases::is_volume_name; of the same name: the same volume
    std::string guest_path;
    bool read_only = false;
    std::uint64_t size_bytes_max = leases::Volume::kUsualBytes;  ///< of the first of that name
};

/// What a process is given at its start; part of its state from then on.
struct Launch {
    std::vector<std::string> arguments;       ///< the program's name first
    std::vector<std::string> environment;     ///< K=V
    std::vector<DirectoryGrant> directories;  ///< preopened from descriptor 3, in order
    std::vector<VolumeGrant> volumes = {};    ///< preopened from the next descriptor, in order
    std::vector<std::string> listeners = {};  ///< HOST:PORT, from the next descriptor, in order
    std::array<std::string, 3> streams = {};  ///< files for the standard streams, absolute; empty:
                                              ///< the runner's own
    std::optional<std::uint64_t> seed = {};   ///< of random bytes; nullopt: those of the host
};

/// The one door between a guest and the world. Every host call passes here: it is traced, counted,
/// and handed to the module that provides it (wasi_snapshot_preview1, sojourn). A call that would
/// block while a safepoint is wanted is broken off and kept as pending: made again after a resume,
/// with what was left of its time.
class Dispatcher final : public HostCalls {
public:
    /// Grants the leases that `launch` names. Borrows `leases` and `supervisor`.
    static Result<std::unique_ptr<Dispatcher>> create(leases::LeaseManager& leases,
                                                      const Launch& launch, Supervisor& supervisor);
    /// Trusts nothing it reads; borrows as create(). Errors: corrupt, unsupported_format.
    static Result<std::unique_ptr<Dispatcher>> restore(leases::LeaseManager& leases, Bytes state,
                                                       Supervisor& supervisor);
    ~Dispatcher() override;

    std::optional<HostFunctionId> find(std::string_view module, std::string_view name,
                                       const FunctionType& type,
                                       ValueType address = ValueType::i32) const override;
    std::string suggest(std::string_view module, std::string_view name,
                        ValueType address) const override;
    HostOutcome call(const HostCall& call) override;

    /// These variables, each K=V, from the guest's next look at how many there are, in place of
    /// those of the same names.
    void change_environment(const std::vector<std::string>& variables);

    /// The descriptor table, the pending call and the counters, for a checkpoint.
    ByteVector capture() const;

    [[nodiscard]] std::uint64_t completed_host_calls() const;

    struct State;

private:
    explicit Dispatcher(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sojourn::vm
