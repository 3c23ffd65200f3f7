#pragma once

#include <functional>
#include <map>

#include "tests/support/temporary_folder.hpp"
#include "tests/support/vm_command.hpp"

namespace sojourn::tests {

using Arguments = std::vector<std::string>;

inline constexpr uid_t kOtherUser = 65534;

/// A store with a suspended process `job`, an image of it, and every verb that can be tried on
/// them. What it expects, it REQUIREs.
class StoredProcess {
public:
    explicit StoredProcess(std::string program);

    [[nodiscard]] std::filesystem::path store() const { return folder_.path() / "store"; }
    /// The folder of the process's family.
    [[nodiscard]] std::filesystem::path family() const { return family_; }
    [[nodiscard]] std::filesystem::path image() const { return folder_.path() / "job.image"; }
    /// Where a verb that exports writes to.
    [[nodiscard]] std::filesystem::path exported() const { return folder_.path() / "new.image"; }
    [[nodiscard]] std::filesystem::path aside() const { return folder_.path() / "aside"; }

    /// Those that only read, then those that need a running process, then those that write.
    [[nodiscard]] std::vector<Arguments> reading_verbs() const;
    [[nodiscard]] std::vector<Arguments> runner_verbs() const;
    [[nodiscard]] std::vector<Arguments> writing_verbs() const;
    /// The one that writes and does without `job`'s family.
    [[nodiscard]] static std::vector<Arguments> removal() { return {{"rm", "job"}}; }
    /// Those that write and leave `job` alone: they work beside a family that cannot be read.
    [[nodiscard]] std::vector<Arguments> other_verbs() const;

    [[nodiscard]] VmResult perform(const Arguments& verb) const;
    /// An error of ours in one line; what was said holds each of `parts`.
    void expect_refused(const Arguments& verb, const Arguments& parts) const;
    /// The same of a result that somebody else has got.
    static void expect_refusal(const VmResult& result, const Arguments& parts);
    void expect_works(const Arguments& verb) const;
    /// Resumes `job`, which ends as if nothing had ever happened to it.
    void expect_goes_on() const;
    void expect_undisturbed_end(const VmResult& resumed) const;

    /// Makes everything in the store kOtherUser's.
    void give_away() const;
    void allow_writing(bool allowed) const;
    /// The content of every file of the store by its path, but for locks.
    [[nodiscard]] std::map<std::string, std::string> content() const;
    [[nodiscard]] VmOptions options(int standard_input = -1) const;

private:
    TemporaryFolder folder_;
    std::string program_;
    std::string last_line_;
    std::filesystem::path family_;
};

/// Stands in the way of what is at `path`, which is back at the end of its life. `put` makes what
/// is found there meanwhile; nothing unless given.
class Obstacle {
public:
    Obstacle(std::filesystem::path path, std::filesystem::path aside,
             const std::function<void(const std::filesystem::path& path)>& put);
    Obstacle(const Obstacle&) = delete;
    Obstacle& operator=(const Obstacle&) = delete;
    ~Obstacle();

private:
    std::filesystem::path path_;
    std::filesystem::path aside_;
};

/// A folder that cannot be written during its life, by nobody.
class ReadOnlyMount {
public:
    explicit ReadOnlyMount(std::filesystem::path folder);
    ReadOnlyMount(const ReadOnlyMount&) = delete;
    ReadOnlyMount& operator=(const ReadOnlyMount&) = delete;
    ~ReadOnlyMount();

    /// False, after saying that a test is skipped and why, when this host does not allow it.
    [[nodiscard]] bool is_there() const { return is_there_; }

private:
    std::filesystem::path folder_;
    bool is_there_ = false;
};

/// Whether this program can act as kOtherUser, who then finds the vm and `folder`. False after
/// saying that a test is skipped and why.
bool can_be_other_user(const std::filesystem::path& folder);
/// vm(), by kOtherUser. `options.folder` must be writable by everybody.
VmResult vm_of_other_user(const Arguments& arguments, const VmOptions& options);

}  // namespace sojourn::tests
