package dev.comfyapi.db.queue;

import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;

/// One of the first waiting jobs of a group.
///
/// @param avoidWorker the worker of its last failed attempt
public record Head(Group group, JobId job, @Nullable Long avoidWorker) {}
