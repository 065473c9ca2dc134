package dev.comfyapi.db.queue;

/// Waiting jobs that are alike to the scheduler: of one tenant, one class, one band; among them the
/// first comes first.
public record Group(int tenant, int classId, short band) {}
