package dev.comfyapi.artifact;

import java.util.UUID;

/// All files of one attempt of a job: `{tenant}/{job}/{epoch}`; or of one asset:
/// `{tenant}/{asset}/0`.
public record ArtifactFolder(int tenant, UUID resource, int epoch) {

    @Override
    public String toString() {
        return "%d/%s/%d".formatted(tenant, resource, epoch);
    }
}
