package dev.comfyapi.db.queue;

import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;

/// One of the first waiting jobs of a group.
///
/// @param avoidWorker the worker of its last failed attempt
/// @param waitedMs how long it has been in the queue, by the database's clock
public record Head(Group group, JobId job, @Nullable Long avoidWorker, long waitedMs) {}
