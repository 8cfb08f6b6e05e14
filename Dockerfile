# Untried: no build of this image has been observed yet. docs/package.md describes how to use it.
#
#   npm ci && npm pack
#   docker build --tag eks-pod-identity-migrator .
#   docker run --rm -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN -e AWS_REGION \
#     eks-pod-identity-migrator plan --cluster NAME
#
# It installs the archive that `npm pack` made, which needs no other package, so the build needs no registry.
FROM node:24-bookworm-slim AS install
COPY eks-pod-identity-migrator-*.tgz /tmp/package.tgz
RUN npm install --global --offline --ignore-scripts --no-audit --no-fund --prefix /opt /tmp/package.tgz

# It has neither a shell nor a package manager, and its default user is not root. Before a release, add the digest of both
# images to their tags; Dependabot then updates them.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=install /opt/lib/node_modules/eks-pod-identity-migrator /opt/eks-pod-identity-migrator
WORKDIR /work
ENTRYPOINT ["/nodejs/bin/node", "/opt/eks-pod-identity-migrator/dist/package/cli/pod-identity.mjs"]
CMD ["--help"]
