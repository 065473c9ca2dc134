package dev.comfyapi.api.job;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// One page of jobs, newest first.
///
/// @param nextCursor opaque, where the next page starts; null on the last page
record JobPage(List<JobView> jobs, @Nullable String nextCursor) {
    JobPage {
        jobs = List.copyOf(jobs);
    }
}
