# Untried: no build of this image has been observed yet. docs/package.md describes how to use it.
#
#   npm ci && npm pack
#   docker build --tag eks-pod-identity-migrator --build-arg NODE_DIGEST=sha256:… --build-arg DISTROLESS_DIGEST=sha256:… .
#   docker run --pull never --rm -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN -e AWS_REGION \
#     eks-pod-identity-migrator plan --cluster NAME
#
# Both images are named by digest, because a tag can be moved to another image at any time. The digests are arguments
# without a default: without them the build fails. Look them up once, compare them with a second source, and keep them:
#
#   docker buildx imagetools inspect node:24-bookworm-slim
#   docker buildx imagetools inspect gcr.io/distroless/nodejs24-debian12:nonroot
ARG NODE_DIGEST
ARG DISTROLESS_DIGEST

# It installs the archive that `npm pack` made, which needs no other package, so the build needs no npm registry.
FROM node:24-bookworm-slim@${NODE_DIGEST} AS install
COPY eks-pod-identity-migrator-*.tgz /tmp/package.tgz
RUN npm install --global --offline --ignore-scripts --no-audit --no-fund --prefix /opt /tmp/package.tgz

# It has neither a shell nor a package manager, and its default user is not root.
FROM gcr.io/distroless/nodejs24-debian12:nonroot@${DISTROLESS_DIGEST}
COPY --from=install /opt/lib/node_modules/@eks-pod-identity-migrator/pod-identity /opt/eks-pod-identity-migrator
WORKDIR /work
ENTRYPOINT ["/nodejs/bin/node", "/opt/eks-pod-identity-migrator/dist/package/cli/pod-identity.mjs"]
CMD ["--help"]
