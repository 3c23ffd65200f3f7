#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "leases/file_history.hpp"
#include "leases/grant.hpp"
#include "leases/manager.hpp"
#include "leases/relocation.hpp"

namespace sojourn::leases {

/// A directory of this host for the one that the guest calls `guest_name`.
struct NamedDirectory {
    std::string guest_name;
    std::string host_path;  ///< absolute
    bool is_read_only = false;
};

/// What the user of this host says about the leases of a process that is to go on here. Names are
/// absolute paths and numeric addresses.
struct AdmissionTerms {
    Grants granted = {};  ///< before, on this host
    std::vector<NamedDirectory> directories =
        {};                                   ///< each is granted, and takes the other one's place
    std::vector<std::string> addresses = {};  ///< each is granted
    std::vector<Mapping> mappings = {};       ///< what one names in full is granted
    bool grants_all = false;                  ///< whatever the process would like to reach
    std::vector<std::string> optional = {};   ///< kinds and names that it can go on without
};

/// Decides which leases of a checkpoint a process gets back. A recipe is only a wish: it may come
/// from anybody, so that nothing is opened or bound that the user of this host did not grant.
///
/// Borrows the manager, whose leases are all expired.
class Admission {
public:
    /// Moves the recipes. Errors: invalid_argument when a term fits nothing that is held.
    static Result<Admission> prepare(LeaseManager& leases, AdmissionTerms terms);

    /// How it stands with one lease.
    struct Outlook {
        Lease lease;
        bool is_required = false;
        std::optional<Grant> not_granted = {};  ///< what it reaches for and may not
        std::optional<Error> obstacle = {};     ///< why it can't be had, else
        [[nodiscard]] bool is_available() const { return !not_granted && !obstacle; }
    };
    /// Of each lease, changing nothing. What `will_change` says of what has a place and would be
    /// brought back: what lies there now tells nothing then, but that it is in the way. Empty:
    /// nothing is brought back any more.
    [[nodiscard]] std::vector<Outlook> examine(const WillChange& will_change = {}) const;

    /// Whether the process can go on: everything required is there. Errors: permission_denied when
    /// something is not granted, else the first obstacle's; with all that is in the way, and what
    /// to do.
    [[nodiscard]] Result<void> check(const std::vector<Outlook>& outlooks) const;

    /// check(), then gets all leases. What is not required and can't be had is lost.
    Result<void> obtain();

    /// What was granted before and now, as it is to be kept.
    [[nodiscard]] const Grants& granted() const { return granted_; }

private:
    Admission(LeaseManager& leases, AdmissionTerms terms)
        : leases_(leases), terms_(std::move(terms)), granted_(terms_.granted) {}

    Result<void> take_directories(Relocation& relocation);
    Result<void> take_mappings(Relocation& relocation) const;
    void take_grants();
    void note_guest_names();
    [[nodiscard]] std::string wish_for_people(const Grant& grant) const;
    [[nodiscard]] std::optional<Grant> not_granted(LeaseId id) const;
    [[nodiscard]] bool is_optional(const Lease& lease) const;
    [[nodiscard]] Error refusal(const std::vector<Outlook>& missing) const;

    LeaseManager& leases_;
    AdmissionTerms terms_;
    Grants granted_;
    /// What the guest knows by a name, as it is here, and that name.
    std::map<Grant, std::string> guest_names_;
};

/// What a new process was granted: all that it reaches by name before its guest has run.
Grants grants_of(const LeaseManager& leases);

}  // namespace sojourn::leases
