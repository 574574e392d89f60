# The command mvc in a container, from the wheel that `make dist` built:
#
#     make dist && docker build --tag mvc --file Dockerfile dist
#     docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/models" mvc status

FROM python:3.13-slim

# A version records the Git commit of the training code.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home mvc \
 && install --directory --owner=mvc --group=mvc /models

ARG EXTRAS=azure,docker,gcs,hdf5,hf,mlflow,picsellia,s3,sftp,sign
COPY modelvc-*.whl /tmp/
RUN pip install --no-cache-dir "$(echo /tmp/modelvc-*.whl)[$EXTRAS]" && rm /tmp/modelvc-*.whl

USER mvc
WORKDIR /models
ENTRYPOINT ["mvc"]
