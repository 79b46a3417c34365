-- Run once, on an empty volume. The database of decisions is made by the image itself.
CREATE DATABASE mlflow;
